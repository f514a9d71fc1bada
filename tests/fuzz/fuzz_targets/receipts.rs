#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| coverage_fuzz::receipts::check(data));
