//! From files to a scenario, and files that are not what they should be.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::demand::{DemandOptions, assemble};
use super::*;

const TABLE: &str = "submitter,platform,accelerator,accelerators_per_node,nodes,division,model,scenario,performance,units\n\
    Zed,big,Fast 141GB,8,1,closed,chat-8b,Interactive,9000,Tokens/s\n\
    Zed,big,Fast 141GB,8,1,closed,chat-70b,Server,4000,Tokens/s\n\
    Abe,small,Slow 16GB,1,1,closed,chat-8b,Interactive,90,Tokens/s\n\
    Abe,small,Slow 16GB,1,1,closed,eye,Offline,12.5,Samples/s\n";
const CONVERSATION: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
    2030-01-01 00:00:10.5000000,100,50\n2030-01-01 00:00:20.0000000,1000,200\n";
const CODE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2030-01-01 00:00:11.0000000,2000,8";

fn assembled(table: &str, options: &DemandOptions) -> Result<Scenario, ScenarioError> {
    let traces = [azure::parse(CONVERSATION.as_bytes(), "conv.csv")?, azure::parse(CODE.as_bytes(), "code.csv")?];
    assemble(mlperf::parse(table.as_bytes(), "table.csv")?, &traces, options)
}

#[test]
fn files_become_a_scenario() {
    let scenario = assembled(TABLE, &DemandOptions { epochs: 2, ..DemandOptions::default() }).unwrap();
    assert_eq!(scenario.sources, ["table.csv", "conv.csv", "code.csv"]);
    assert_eq!((scenario.epochs, scenario.epoch_us), (2, 4_750_001));
    let asked: Vec<_> = scenario
        .requests
        .iter()
        .map(|request| (request.seq, request.at_us, scenario.workloads[request.workload].name.as_str()))
        .collect();
    // Number 0 is Offline's, which no language model offers here, so a server of any size takes it.
    let expected =
        [(0, 0, "chat-70b / Server"), (1, 500_000, "chat-8b / Interactive"), (2, 9_500_000, "chat-70b / Server")];
    assert_eq!(asked, expected);
    assert!(!scenario.invented && scenario.notes[0].contains("say nothing about the systems named"));
}

#[test]
fn the_order_of_rows_means_nothing() {
    let (header, rows) = TABLE.split_once('\n').unwrap();
    let reversed: Vec<&str> = std::iter::once(header).chain(rows.lines().rev()).collect();
    let options = DemandOptions::default();
    assert_eq!(assembled(&reversed.join("\n"), &options), assembled(TABLE, &options));
}

#[test]
fn what_cannot_be_replayed_is_refused_by_name() {
    let message = |table: &str, epochs| {
        assembled(table, &DemandOptions { epochs, ..DemandOptions::default() }).unwrap_err().to_string()
    };
    assert_eq!(message(TABLE, 0), "--epochs: \"0\" is not a number from 1 to 1000");
    assert!(message(&TABLE.replace("Tokens/s", "Samples/s"), 4).starts_with("no workload of the capability table"));
    let table = || mlperf::parse(TABLE.as_bytes(), "table.csv").unwrap();
    assert_eq!(assemble(table(), &[], &DemandOptions::default()), Err(ScenarioError::NoDemand));
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = mlperf::parse(bytes.as_slice(), "any.csv");
        let _ = azure::parse(bytes.as_slice(), "any.csv");
    }

    #[test]
    fn no_fields_make_a_parser_panic(fields in prop::collection::vec("[^,\"\r\n]{0,24}", 10)) {
        let header = TABLE.split_once('\n').unwrap().0;
        let _ = mlperf::parse(format!("{header}\n{}\n", fields.join(",")).as_bytes(), "any.csv");
        let row = fields[..3].join(",");
        let _ = azure::parse(format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{row}\n").as_bytes(), "any.csv");
    }
}
