//! Events read with nothing but the IDL.

use anchor_lang::Event as _;
use coverage_settlement::events::{BondChanged, CellSettled, EpochOpened};
use coverage_settlement::state::{Bond, Config};
use serde_json::Value;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;

/// The IDL as it is checked in.
fn idl() -> Value {
    serde_json::from_str(include_str!("../../../idl/coverage_settlement.json")).unwrap()
}

/// Numbers by the path of their field, read off bytes by the types of the IDL.
fn decode(idl: &Value, kind: &Value, path: &str, bytes: &mut &[u8], fields: &mut BTreeMap<String, i128>) {
    let mut take = |count: usize| {
        let (taken, rest) = bytes.split_at(count);
        *bytes = rest;
        taken.iter().rev().fold(0i128, |number, byte| number << 8 | i128::from(*byte))
    };
    match kind {
        Value::String(name) => {
            let size = match name.as_str() {
                "u8" => 1,
                "u16" => 2,
                "u32" => 4,
                "u64" | "i64" => 8,
                "pubkey" => {
                    take(32);
                    return;
                }
                other => panic!("{other} in an event"),
            };
            fields.insert(path.to_owned(), take(size));
        }
        _ if kind.get("array").is_some() => {
            let count = kind["array"][1].as_u64().unwrap();
            (0..count).for_each(|index| decode(idl, &kind["array"][0], &format!("{path}.{index}"), bytes, fields));
        }
        _ => {
            let name = &kind["defined"]["name"];
            let types = idl["types"].as_array().unwrap();
            let found = types.iter().find(|entry| entry["name"] == *name).unwrap();
            for field in found["type"]["fields"].as_array().unwrap() {
                let path = format!("{path}.{}", field["name"].as_str().unwrap());
                decode(idl, &field["type"], &path, bytes, fields);
            }
        }
    }
}

/// The name and the numbers of an event, by its discriminator in the IDL.
fn read(mut bytes: &[u8]) -> (String, BTreeMap<String, i128>) {
    let idl = idl();
    let numbers = |event: &Value| -> Vec<u8> {
        event["discriminator"].as_array().unwrap().iter().map(|byte| byte.as_u64().unwrap() as u8).collect()
    };
    let events = idl["events"].as_array().unwrap();
    let event = events.iter().find(|event| bytes.starts_with(&numbers(event))).unwrap();
    let name = event["name"].as_str().unwrap().to_owned();
    bytes = &bytes[8..];
    let mut fields = BTreeMap::new();
    decode(&idl, &serde_json::json!({"defined": {"name": name}}), "", &mut bytes, &mut fields);
    assert!(bytes.is_empty(), "{name} has bytes the IDL does not know");
    (name, fields)
}

#[test]
fn events_decode_from_the_idl_alone() {
    let bond = |units| Bond { units, unbonding: 7, withdrawable_ts: 9 };
    let event = BondChanged {
        network: Pubkey::from([1; 32]),
        holder: Pubkey::from([2; 32]),
        cause: 3,
        amount_units: 100,
        before: bond(1_000),
        after: bond(900),
    };
    let (name, fields) = read(&event.data());
    assert_eq!(name, "BondChanged");
    let wanted = [
        (".cause", 3),
        (".amount_units", 100),
        (".before.units", 1_000),
        (".after.units", 900),
        (".after.withdrawable_ts", 9),
    ];
    for (path, value) in wanted {
        assert_eq!(fields[path], value, "{path}");
    }
    let config = Config { z_milli: 1_645, challenger_bps: 2_500, rule: 2, emission: u64::MAX, ..Config::default() };
    let event = EpochOpened {
        network: Pubkey::default(),
        epoch: 5,
        unit: 6,
        total_weight: 7,
        available_before_units: 8,
        committee_generation: 9,
        config_version: 10,
        config,
        seed: [11; 32],
    };
    let (_, fields) = read(&event.data());
    let wanted =
        [(".config_version", 10), (".config.z_milli", 1_645), (".config.challenger_bps", 2_500), (".config.rule", 2)];
    for (path, value) in wanted {
        assert_eq!(fields[path], value, "{path}");
    }
    assert_eq!(fields[".config.emission"], i128::from(u64::MAX));
    let event: CellSettled = bytemuck::Zeroable::zeroed();
    assert_eq!(read(&event.data()).1.len(), 7, "seven numbers beside the workload");
}

#[test]
fn the_idl_has_every_event_with_its_types() {
    let idl = idl();
    let events: Vec<&str> =
        idl["events"].as_array().unwrap().iter().map(|event| event["name"].as_str().unwrap()).collect();
    let mut names = coverage_client::events::NAMES.to_vec();
    names.sort_unstable();
    assert_eq!(events, names);
}
