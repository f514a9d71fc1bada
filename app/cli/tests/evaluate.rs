//! The kernel on lists of cells.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use serde_json::{Value, json};
use support::{covctl, covctl_with, shared};

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn golden_vectors_within_the_required_accuracy() {
    let Some(path) = shared("vectors/cells.json") else { return };
    let cells: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let run = covctl(&["evaluate", "--input", path.to_str().unwrap(), "--output", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let results: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((results.len(), cells.len()), (120, 120));
    for (place, (cell, result)) in cells.iter().zip(&results).enumerate() {
        let expected: Vec<f64> = cell["expect"]["phi"].as_array().unwrap().iter().map(number).collect();
        let phi: Vec<f64> = result["phi"].as_array().unwrap().iter().map(number).collect();
        let rewards: Vec<u64> =
            result["reward"].as_array().unwrap().iter().map(|reward| reward.as_u64().unwrap()).collect();
        assert_eq!((phi.len(), rewards.len()), (expected.len(), expected.len()));
        let allowed = 1e-6 * expected.iter().copied().fold(0.0, f64::max) + 2f64.powi(-30);
        for (phi, expected) in phi.iter().zip(&expected) {
            assert!((phi - expected).abs() <= allowed, "cell {place}: {phi} for {expected}");
        }
        assert!((number(&result["coverage"]) - number(&cell["expect"]["coverage"])).abs() < 1e-8, "cell {place}");
        assert!(rewards.iter().sum::<u64>() <= cell["pool"].as_u64().unwrap(), "cell {place}");
    }
}

fn cell() -> Value {
    json!({"rule": "Shapley", "z_milli": 0, "breach_bps": 0, "pool": 1000, "slots": [
        {"domain": 1, "bond": 5, "outcomes": [1, 1, 0, 0, 0, 0, 0]}
    ]})
}

#[test]
fn one_operator_gets_its_reliability() {
    let run = covctl_with(&["evaluate", "--input", "-", "--output", "json"], &json!([cell()]).to_string(), &[]);
    let results: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    let phi = number(&results[0]["phi"][0]);
    assert!((phi - 0.5).abs() < 1e-7 && phi < 0.5);
    assert_eq!(results[0]["reward"], json!([499]));
    let text = covctl_with(&["evaluate", "--input", "-"], &json!([cell()]).to_string(), &[]).stdout;
    assert!(text.starts_with("cell 0: coverage 0.5"), "{text}");
    assert!(text.ends_with(", reward 499\n"), "{text}");
    let none = covctl_with(&["evaluate", "--input", "-", "--output", "json"], "[]", &[]);
    assert_eq!((none.code, none.stdout.as_str()), (0, "[]\n"));
}

#[test]
fn bad_input_is_named_with_its_cell() {
    let change = |pointer: &str, value: Value| {
        let mut bad = cell();
        *bad.pointer_mut(pointer).unwrap() = value;
        json!([cell(), bad]).to_string()
    };
    let slots = vec![cell()["slots"][0].clone(); 1_025];
    let most = u64::from(u32::MAX);
    let cases = [
        (
            change("/rule", json!("Nucleolus")),
            "cell 1: unknown rule \"Nucleolus\"; known are Shapley, Banzhaf and LastIn",
        ),
        (change("/slots", json!(slots)), "cell 1: 1025 slots; a cell has at most 1024"),
        (change("/slots/0/outcomes", json!([1, 2])), "cell 1: slot 0: 2 outcomes; expected 7"),
        (
            change("/slots/0/outcomes", json!([most, 1, 0, 0, 0, 0, 0])),
            "cell 1: slot 0: a slot's attempts in one epoch do not fit 32 bits",
        ),
        (change("/slots/0/outcomes/3", json!(-1)), "cell 1: invalid value: integer `-1`, expected u32"),
        (
            change("/slots/0/bond", json!(1u64 << 53)),
            "cell 1: slot 0: the bond is 9007199254740992; at most 4503599627370496",
        ),
        (change("/z_milli", json!(10_001)), "cell 1: z_milli is 10001; at most 10000"),
        (change("/breach_bps", json!(10_001)), "cell 1: breach_bps is 10001; at most 10000"),
        (change("/pool", json!("1")), "cell 1: invalid type: string \"1\", expected u64"),
        (json!([cell(), {}]).to_string(), "cell 1: missing field `rule`"),
    ];
    for (input, message) in cases {
        let run = covctl_with(&["evaluate", "--input", "-"], &input, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{message}");
        assert_eq!(run.stderr, format!("error: -, {message}\n"));
    }
    for (input, message) in
        [("{}", "error: -: invalid type: map, expected a sequence"), ("[{", "error: -: EOF while parsing")]
    {
        let run = covctl_with(&["evaluate", "--input", "-"], input, &[]);
        assert_eq!(run.code, 2);
        assert!(run.stderr.starts_with(message), "{}", run.stderr);
        assert!(run.stderr.contains("expected a list of cells"), "{}", run.stderr);
    }
}
