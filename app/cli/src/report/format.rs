//! Numbers and strings as people read them.

/// Escapes text for HTML and XML, in content and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // XML 1.0 has no way to write other control characters.
            control if control.is_control() && !matches!(control, '\n' | '\t') => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// 1234567 as "1,234,567".
pub(crate) fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Base units as tokens with two decimals, rounded down: "1,234.56".
pub(crate) fn tokens(units: u64, decimals: u8) -> String {
    let one = 10_u64.checked_pow(u32::from(decimals)).unwrap_or(u64::MAX);
    let hundredths = u128::from(units % one) * 100 / u128::from(one);
    format!("{}.{hundredths:02}", thousands(units / one))
}

/// Parts per billion as a percentage, rounded down: two decimals, more where it takes more to tell it from 100 %, up to
/// "> 99.9999 %".
pub(super) fn percent_ppb(ppb: u32) -> String {
    let decimals = match 1_000_000_000_u32.saturating_sub(ppb) {
        0..=999 => return "> 99.9999 %".into(),
        1_000..=100_000 => 4,
        100_001..=1_000_000 => 3,
        _ => 2,
    };
    let whole = ppb / 10_000_000;
    let fraction = (ppb % 10_000_000) / 10_u32.pow(7 - decimals);
    format!("{whole}.{fraction:0width$} %", width = decimals as usize)
}

/// A Q32 value as a percentage with one decimal, rounded down.
pub(super) fn percent_q32(value: u32) -> String {
    let per_mille = (u64::from(value) * 1_000) >> 32;
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

/// `part` of `whole` as a percentage with two decimals, rounded down; "–" of nothing.
pub(super) fn percent_of(part: u64, whole: u64) -> String {
    match (u128::from(part) * 10_000).checked_div(u128::from(whole)) {
        Some(bps) => format!("{}.{:02} %", bps / 100, bps % 100),
        None => "–".into(),
    }
}

/// The change from one amount to another in per mille of the first; `None` from nothing.
pub(super) fn change_per_mille(from: u64, to: u64) -> Option<i64> {
    let difference = i128::from(to) - i128::from(from);
    let per_mille = (difference * 1_000).checked_div(i128::from(from))?;
    Some(i64::try_from(per_mille).unwrap_or(i64::MAX))
}

/// A change in per mille as "+12.3 %", with a true minus sign; "new" for one from nothing to something.
pub(super) fn change(from: u64, to: u64) -> String {
    match change_per_mille(from, to) {
        Some(per_mille) => {
            let sign = if per_mille < 0 { '−' } else { '+' };
            format!("{sign}{}.{} %", thousands(per_mille.unsigned_abs() / 10), per_mille.unsigned_abs() % 10)
        }
        None if to > 0 => "new".into(),
        None => "–".into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn nothing_gets_out_of_an_escaped_string() {
        let hostile = "<script>alert(\"x\" & 'y')</script>\u{7}";
        let escaped = escape(hostile);
        assert_eq!(escaped, "&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;\u{fffd}");
    }

    #[test]
    fn amounts_and_shares() {
        assert_eq!(
            (thousands(0), thousands(999), thousands(1_234_567)),
            ("0".into(), "999".into(), "1,234,567".into())
        );
        assert_eq!(tokens(1_234_567_899, 6), "1,234.56");
        assert_eq!(tokens(5, 0), "5.00");
        assert_eq!(tokens(u64::MAX, 19), "1.84");
        assert_eq!(tokens(u64::MAX, 255), "1.00", "past u64 the largest unit stands in");
        assert_eq!(percent_ppb(0), "0.00 %");
        assert_eq!(percent_ppb(950_000_000), "95.00 %");
        assert_eq!(percent_ppb(999_999_001), "> 99.9999 %");
        assert_eq!(percent_ppb(999_999_000), "99.9999 %");
        assert_eq!(percent_ppb(999_995_000), "99.9995 %");
        assert_eq!(percent_ppb(1_000_000_000), "> 99.9999 %", "no evidence makes anything certain");
        assert_eq!(percent_q32(u32::MAX), "99.9 %");
        assert_eq!(percent_q32(1 << 31), "50.0 %");
        assert_eq!(percent_of(1, 3), "33.33 %");
        assert_eq!(percent_of(1, 0), "–");
    }

    #[test]
    fn changes_have_a_sign() {
        assert_eq!(change(1_000, 1_123), "+12.3 %");
        assert_eq!(change(1_000, 0), "−100.0 %");
        assert_eq!(change(0, 5), "new");
        assert_eq!(change(0, 0), "–");
        assert_eq!(change(1, u64::MAX), "+922,337,203,685,477,580.7 %");
    }
}
