//! The command line by itself: parsing, configuration, wrong inputs, completions. Every run is a real process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use clap::CommandFactory;
use covctl::args::Args;
use serde_json::{Value, json};
use std::fs;
use support::covctl_with;
use support::world::World;

#[test]
fn clap_finds_nothing_wrong_with_it() {
    Args::command().debug_assert();
}

#[test]
fn completions_for_three_shells() {
    for (shell, line) in [("bash", "complete -F _covctl"), ("zsh", "#compdef covctl"), ("fish", "complete -c covctl")] {
        let run = support::covctl(&["completions", shell]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        assert!(run.stdout.contains(line), "{shell}");
        for noun in [
            "network",
            "committee",
            "workload",
            "treasury",
            "operator",
            "capability",
            "cell",
            "batch",
            "epoch",
            "rewards",
        ] {
            assert!(run.stdout.contains(noun), "{shell}: {noun}");
        }
    }
}

/// A network to ask about: created, nothing else.
fn world() -> World {
    let mut world = World::new();
    let mint = world.token.mint.to_string();
    let genesis = support::world::GENESIS.to_string();
    let create = ["network", "create", "7", "--mint", &mint, "--genesis", &genesis, "--emission", "1000"];
    world.act("authority", &[create.as_slice(), &["--min-operator-bond", "100", "--min-attester-bond", "50"]].concat());
    world
}

#[test]
fn what_is_shown_before_it_is_asked() {
    let world = world();
    let [authority, network] = [world.wallet("authority"), world.network().to_string()];
    let vault = coverage_client::pda::vault(&world.network());
    let source = coverage_client::pda::token_account(&authority.parse().unwrap(), &world.token);
    let run = world.run("authority", &["treasury", "fund", "12.5"]);
    let (url, mint) = (world.url(), world.token.mint);
    let [event_authority, tokens, program] =
        [coverage_client::pda::event_authority(), world.token.program, coverage_client::program::ID];
    let (shown, units) = run.stderr.split_once("fee 0.000005 SOL, ").unwrap();
    assert_eq!(
        shown,
        format!(
            "fund the treasury on {url}\n  network  {network}\n  amount   12.5\n  from     {source}\n\
             transaction 1 of 1: fund_treasury\n  signs   {authority}\n  writes  {network}, {source}, {vault}\n  \
             reads   {mint}, {tokens}, {event_authority}, {program}\n  costs   "
        )
    );
    let (units, rest) = units.split_once(' ').unwrap();
    assert!((3_000..20_000).contains(&units.parse::<u64>().unwrap()), "{units}");
    let refused = "nothing was sent: there is no terminal to ask on; add --yes to send, or --dry-run to simulate";
    assert_eq!(rest, format!("compute units\nerror: {refused}\n"));
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert_eq!(world.units("authority"), 100_000 * support::world::TOKEN);
}

#[test]
fn text_and_json_say_the_same() {
    let world = world();
    let run = world.run("alice", &["treasury", "show"]);
    let network = world.network();
    let text = format!("network      {network}\ntreasury     0\nemission     1000\nepochs left  0\nnext epoch   0\n");
    assert_eq!((run.code, run.stdout, run.stderr.as_str()), (0, text, ""));
    let expected =
        json!({"network": network.to_string(), "treasury": "0", "emission": "1000", "epochs_left": 0, "next_epoch": 0});
    assert_eq!(world.json("alice", &["treasury", "show"]), expected);
    for (args, heads) in
        [(["network", "list"], "id  network"), (["operator", "list"], "none"), (["epoch", "list"], "none")]
    {
        let run = world.run("alice", &args);
        assert!(run.stdout.starts_with(heads), "{}", run.stdout);
        assert!(world.json("alice", &args).is_array());
    }
}

#[test]
fn wrong_inputs_each_with_its_words() {
    let world = world();
    let stranger = world.wallet("bob");
    let (mint, network) = (world.token.mint.to_string(), world.network());
    let register = "register one with `covctl operator register`";
    let amounts = ["--min-operator-bond", "1", "--min-attester-bond", "1"];
    let cases: &[(&str, &[&str], &str)] = &[
        ("alice", &["treasury", "fund", "0.0000001"], "0.0000001 is too precise: the mint has 6 decimals"),
        ("alice", &["treasury", "fund", "99999999999999"], "99999999999999 is more tokens than there can be"),
        ("alice", &["operator", "register", "--bond", "99.9"], "the bond must be at least 100 tokens"),
        (
            "alice",
            &["operator", "show", &stranger],
            &format!("{stranger} has no operator in this network, nor is it one: {register}"),
        ),
        ("alice", &["committee", "bond", "3", "1"], "there is no attester 3: see `covctl committee show`"),
        ("alice", &["epoch", "show"], "no epoch has been opened yet: `covctl epoch open` opens the first"),
        (
            "alice",
            &["network", "create", "7", "--mint", &mint],
            "network 7 exists already: show it with `covctl --network 7 network show`",
        ),
        (
            "alice",
            &["network", "create", "8", "--mint", &mint, "--emission", "1"],
            "a network needs --min-operator-bond, more than 0 tokens",
        ),
        (
            "alice",
            &[["network", "create", "8", "--mint", &stranger].as_slice(), &amounts].concat(),
            &format!("{stranger} is no mint of SPL Token or Token-2022"),
        ),
        (
            "alice",
            &["network", "set-guardian", &stranger],
            "set the guardian failed: Error processing Instruction 0: custom program error: 0x1770 (NotAuthority: Only the network's authority may do this: sign with the key in Network.authority)",
        ),
        ("alice", &["--network", "9", "network", "show"], &missing(9)),
        (
            "alice",
            &["cell", "show", "5"],
            &format!("there is no account at {}: check the address and the cluster", cell(&network, 5)),
        ),
    ];
    for (who, args, expected) in cases {
        assert_eq!(world.error(who, args), *expected, "{args:?}");
    }
}

fn missing(id: u64) -> String {
    let address = coverage_client::pda::network(id);
    format!("there is no account at {address}: check the address and the cluster")
}

fn cell(network: &solana_program::pubkey::Pubkey, id: u64) -> solana_program::pubkey::Pubkey {
    coverage_client::pda::cell(&coverage_client::pda::workload(network, id))
}

#[test]
fn what_does_not_parse_is_said_by_clap_with_exit_code_2() {
    let cases = [
        (vec!["network", "shwo"], "unrecognized subcommand 'shwo'\n\n  tip: a similar subcommand exists: 'show'"),
        (
            vec!["treasury", "fund", "1e3"],
            "invalid value '1e3' for '<AMOUNT>': \"1e3\" is no amount: expected tokens as in 12.5",
        ),
        (
            vec!["cell", "show", "first"],
            "invalid value 'first' for '<WORKLOAD>': \"first\" is neither a number nor an address in base58",
        ),
        (
            vec!["committee", "set", "0:abc"],
            "invalid value '0:abc' for '<PLACE:KEY:WEIGHT>...': \"0:abc\" is no member: expected PLACE:KEY:WEIGHT",
        ),
        (
            vec!["network", "pause", "--phase", "attest", "--for", "a while"],
            "invalid value 'a while' for '--for <TIME>': \"a while\" is no length of time: expected seconds, or as in 15m or 1h30m",
        ),
        (
            vec!["workload", "register", "0", "--model", "5a"],
            "invalid value '5a' for '--model <SHA256>': \"5a\" is no SHA-256: expected 64 hexadecimal digits",
        ),
        (
            vec!["epoch", "open", "--comitment", "confirmed"],
            "unexpected argument '--comitment' found\n\n  tip: a similar argument exists: '--commitment'",
        ),
    ];
    for (args, expected) in cases {
        let run = support::covctl(&args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(run.stderr.starts_with(&format!("error: {expected}")), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn the_configuration_file_the_environment_and_options_in_this_order() {
    let world = world();
    let folder = world.folder.path();
    let show = ["network", "show", "--output", "json"];
    // From the file alone, where Solana's tools look for it.
    let home = folder.join("home");
    fs::create_dir_all(home.join(".config/solana/cli")).unwrap();
    fs::copy(folder.join("config.yml"), home.join(".config/solana/cli/config.yml")).unwrap();
    let home = home.to_str().unwrap();
    let run = covctl_with(&show, "", &[("HOME", home), ("COVERAGE_NETWORK", "7")]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap()["network"], world.network().to_string());
    // The environment overrides it, an option the environment.
    let nowhere = "http://127.0.0.1:9";
    let run = covctl_with(&show, "", &[("HOME", home), ("COVERAGE_NETWORK", "7"), ("COVERAGE_URL", nowhere)]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(
        run.stderr.starts_with("error: reading an account failed: ") && run.stderr.contains(nowhere),
        "{}",
        run.stderr
    );
    let (url, network) = (world.url(), world.network().to_string());
    let options = [&["--url", &url, "--network", &network], show.as_slice()].concat();
    let run = covctl_with(&options, "", &[("HOME", home), ("COVERAGE_NETWORK", "8"), ("COVERAGE_URL", nowhere)]);
    assert_eq!(run.code, 0, "{}", run.stderr);

    let bad = folder.join("bad.yml");
    fs::write(&bad, "json_rpc_url: [1]\n").unwrap();
    let bad = bad.to_str().unwrap();
    let wrong = [
        (vec!["-C", bad, "network", "show"], format!("error: {bad} is not Solana's configuration (json_rpc_url, keypair_path, commitment): ")),
        (vec!["-C", "/nowhere.yml", "network", "show"], "error: cannot read /nowhere.yml: No such file".to_owned()),
        (vec!["-u", "mainnet", "network", "show"], "error: \"mainnet\" is no cluster: expected a URL (http:// or https://) or one of".to_owned()),
        (vec!["-u", &url, "network", "show"], "error: which network? name it with --network ID|ADDRESS, or set COVERAGE_NETWORK\n".to_owned()),
        (
            vec!["-u", &url, "--network", "7", "-k", "/nowhere.json", "operator", "show"],
            "error: cannot use the keypair /nowhere.json: No such file or directory (os error 2); name another with --keypair, \
             or make one with solana-keygen new\n"
                .to_owned(),
        ),
        (
            vec!["-u", &url, "--network", "7", "-k", "usb://ledger", "operator", "show"],
            "error: cannot use the keypair usb://ledger: only keypair files are supported; ".to_owned(),
        ),
    ];
    for (args, expected) in wrong {
        let run = covctl_with(&args, "", &[("HOME", home)]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(run.stderr.starts_with(&expected), "{args:?}: {}", run.stderr);
    }
}
