//! A network's whole life by `covctl` alone, over RPC: every instruction of the program is sent once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use coverage_client::audit::receipts::file;
use coverage_client::batch::{BatchOf, Statement};
use coverage_client::math::reliability::Outcome;
use coverage_client::pda;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use support::world::{GENESIS, TOKEN, World};

const MODEL: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
const ATTESTERS: [&str; 3] = ["attester-0", "attester-1", "attester-2"];

#[test]
fn every_instruction_is_reached() {
    let mut world = World::new();
    found(&mut world);
    govern(&mut world);
    enrol(&mut world);
    world.set_time(GENESIS);
    world.nothing("alice", &["rewards", "claim"]);
    world.act("alice", &["epoch", "open"]);
    world.nothing("alice", &["epoch", "open"]);
    attest(&mut world);
    settle_first(&mut world);
    leave(&mut world);
    close(&mut world);

    let idl: Value = serde_json::from_str(include_str!("../../../idl/coverage_settlement.json")).unwrap();
    let all = idl["instructions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|instruction| instruction["name"].as_str().unwrap().to_owned());
    let all: BTreeSet<String> = all.collect();
    assert_eq!(all.len(), 41);
    assert_eq!(all.difference(&world.reached).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// The network with its committee, workloads and money.
fn found(world: &mut World) {
    let (mint, genesis) = (world.token.mint.to_string(), GENESIS.to_string());
    let config = [
        "--epoch",
        "1h",
        "--grace",
        "5m",
        "--challenge",
        "10m",
        "--delay",
        "1h",
        "--emission",
        "1000",
        "--min-operator-bond",
        "100",
        "--min-attester-bond",
        "50",
        "--carry-cap-epochs",
        "0",
    ];
    let create = [&["network", "create", "7", "--mint", &mint, "--genesis", &genesis], config.as_slice()].concat();
    let created = world.act("authority", &create);
    assert_eq!(created["network"], world.network().to_string());
    assert_eq!((&created["emission"], &created["epoch_seconds"]), (&json!("1000"), &json!(3_600)));
    assert_eq!(created["transactions"][0]["accounts"][0]["address"], world.wallet("authority"));

    let members = ATTESTERS.map(|name| world.wallet(name));
    let members: Vec<String> = members.iter().enumerate().map(|(place, key)| format!("{place}:{key}:100")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    world.act("authority", &[&["committee", "set"], members.as_slice()].concat());
    world.nothing("authority", &[&["committee", "set"], members.as_slice()].concat());
    for (place, name) in ATTESTERS.iter().enumerate() {
        let wallet = world.wallet(name);
        let named = if place == 0 { "0" } else { wallet.as_str() };
        world.act(name, &["committee", "bond", named, "60.5"]);
    }
    let committee = world.json("alice", &["committee", "show"]);
    assert_eq!((&committee["generation"], &committee["total_weight"]), (&json!(1), &json!(300)));
    assert_eq!(committee["attesters"][2]["bond"], "60.5");

    let needs =
        ["--weight", "100", "--model", MODEL, "--latency-ms", "2000", "--hardware-class", "3", "--min-capacity", "2.5"];
    world.act("authority", &[&["workload", "register", "0"], needs.as_slice()].concat());
    world.act("authority", &[&["workload", "register", "1"], needs.as_slice()].concat());
    world.act("authority", &["treasury", "fund", "10000"]);
    world.act("alice", &["workload", "sponsor", "0", "250.5"]);
    let treasury = world.json("alice", &["treasury", "show"]);
    assert_eq!((&treasury["treasury"], &treasury["epochs_left"]), (&json!("10000"), &json!(10)));
    assert_eq!(world.units("authority"), 90_000 * TOKEN);
}

/// What the authority and the guardian do.
fn govern(world: &mut World) {
    let [authority, heir, guardian] = ["authority", "heir", "guardian"].map(|name| world.wallet(name));
    world.act("authority", &["network", "propose-authority", &heir]);
    world.act("heir", &["network", "accept-authority"]);
    world.act("heir", &["network", "propose-authority", &authority]);
    world.act("authority", &["network", "accept-authority"]);
    world.act("authority", &["network", "set-guardian", &guardian]);
    world.act("guardian", &["network", "pause", "--phase", "attest", "--phase", "settle", "--for", "30m"]);
    assert_eq!(world.json("alice", &["network", "show"])["paused"], "attest, settle");
    world.act("guardian", &["network", "unpause"]);
    world.nothing("authority", &["network", "propose-config", "--emission", "1000"]);
    let proposed = world.act("authority", &["network", "propose-config", "--slash-bps", "2500"]);
    assert_eq!(proposed["changes"], json!([{"setting": "slash", "old": "50 %", "new": "25 %"}]));
    assert_eq!(proposed["effective_ts"], GENESIS - 3_000 + 3_600);
}

/// Two operators with their domains, capabilities and slots.
fn enrol(world: &mut World) {
    let leaves = "[[capability]]\nworkload = 0\nlatency_ms = 1500\ncapacity = \"12.5\"\nregion = 4\n\n\
                  [[capability]]\nworkload = 1\nlatency_ms = 2000\ncapacity = \"2.5\"\n";
    for (name, domain) in [("alice", "1"), ("bob", "2")] {
        world.act(name, &["operator", "register", "--bond", "100"]);
        let keys = ATTESTERS.map(|attester| world.file(&format!("{attester}.json")));
        let wallet = world.wallet(name);
        let attest = [
            "operator",
            "domain",
            &wallet,
            domain,
            "--attester",
            &keys[0],
            "--attester",
            &keys[1],
            "--attester",
            &keys[2],
        ];
        world.act("alice", &attest);

        let leaves_file = world.file(&format!("{name}.toml"));
        fs::write(&leaves_file, leaves).unwrap();
        world.act(name, &["capability", "commit", &leaves_file]);
        world.nothing(name, &["capability", "commit", &leaves_file]);
        let shown = world.json(name, &["capability", "show"]);
        let proof = world.json(name, &["capability", "prove", &leaves_file, "1"]);
        assert_eq!((&shown["root"], &shown["capabilities"]), (&proof["root"], &json!(2)));
        assert_eq!((&proof["index"], &proof["proof"].as_array().unwrap().len()), (&json!(1), &1));
        world.act(name, &["cell", "enroll", "0", "--capabilities", &leaves_file]);
        world.nothing(name, &["cell", "enroll", "0", "--capabilities", &leaves_file]);
    }
    let secret = world.file("alice.toml.secret");
    assert_eq!(fs::read_to_string(&secret).unwrap().len(), 65);
    assert_ne!(fs::read_to_string(&secret).unwrap(), fs::read_to_string(world.file("bob.toml.secret")).unwrap());
    world.act("bob", &["operator", "bond", "add", "50"]);
    let bob = world.wallet("bob");
    world.act("alice", &["cell", "sync", "0", &bob]);
    world.nothing("alice", &["cell", "sync", "0", &bob]);
    assert_eq!(world.json("alice", &["operator", "show", &bob])["bond"], "150");
}

/// A batch by keys, the same again by collected signatures, and a challenge of the latter.
fn attest(world: &mut World) {
    let outcomes = [(0, Outcome::Served, 40), (1, Outcome::Served, 30), (1, Outcome::VerificationFailed, 10)];
    let receipts = world.receipts("receipts.bin", 0, &outcomes);
    let receipts = receipts.to_str().unwrap();
    let keys = ATTESTERS.map(|attester| world.file(&format!("{attester}.json")));
    let few = world.error(
        "alice",
        &["batch", "submit", "0", "--receipts", receipts, "--attester", &keys[0], "--attester", &keys[1]],
    );
    let more = "more attesters with a bond must sign (--attester, --signature)";
    assert_eq!(few, format!("signed by a weight of 200, but it takes more than 66.67 % of 300: {more}"));
    let by_keys = [
        "batch",
        "submit",
        "0",
        "--receipts",
        receipts,
        "--attester",
        &keys[0],
        "--attester",
        &keys[1],
        "--attester",
        &keys[2],
    ];
    let applied = world.act("alice", &by_keys);
    assert_eq!(
        (&applied["batch"], &applied["receipts"], &applied["endorsed_weight"]),
        (&json!(0), &json!(80), &json!(300))
    );

    let mut by_signatures = vec!["batch", "submit", "0", "--receipts", receipts];
    let files = ATTESTERS.map(|attester| world.file(&format!("{attester}.sig")));
    for (key, file) in keys.iter().zip(&files) {
        let signed = world.run(
            "alice",
            &["batch", "submit", "0", "--receipts", receipts, "--attester", key, "--sign-only", "--output", "json"],
        );
        assert_eq!(signed.code, 0, "{}", signed.stderr);
        fs::write(file, signed.stdout).unwrap();
        by_signatures.extend(["--signature", file]);
    }
    let second = world.act("alice", &by_signatures);
    assert_eq!(second["batch"], 1);
    let stale = world.error("alice", &by_signatures);
    assert!(stale.ends_with("receipts, sequence number or committee are others by now; sign anew"), "{stale}");

    // Both are published; the second counts every request again.
    let published = world.folder.path().join("published");
    let workload = pda::workload(&world.network(), 0);
    for sequence in [0, 1] {
        let shown = world.json("bob", &["batch", "show", "0", &sequence.to_string()]);
        assert_eq!((&shown["counts"], shown["signatures"].as_array().unwrap().len()), (&json!("yes"), 3));
        let root: covctl::hash32::Hash32 = shown["receipts_root"].as_str().unwrap().parse().unwrap();
        let path = published.join(file(&world.network(), 0, &workload, sequence, &root.0));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(receipts, path).unwrap();
    }
    let published = published.to_str().unwrap();
    let honest = world.run("alice", &["batch", "challenge", "0", "0", "--receipts", published, "--output", "json"]);
    assert_eq!(honest.code, 1, "{}", honest.stderr);
    assert_eq!(serde_json::from_str::<Value>(&honest.stdout).unwrap()["status"], "stands");
    let before = world.units("bob");
    let proven = world.act("bob", &["batch", "challenge", "0", "1", "--receipts", published]);
    assert_eq!(proven["fraud"], "duplicate of an earlier batch");
    // Half of each bond of 60.5, a quarter of which is the challenger's.
    assert_eq!(world.units("bob") - before, 3 * 60_500_000 / 2 / 4);
    assert_eq!(world.json("bob", &["batch", "list", "0"])[1]["counts"], "no, proven false");
}

/// Epoch 0: sealed, settled, claimed; a breach slashed.
fn settle_first(world: &mut World) {
    let (end, both) = (GENESIS + 3_600, ["0", "1"]);
    let early = world.error("alice", &["cell", "seal", "0"]);
    assert_eq!(early, "the cell cannot be sealed before 2027-01-15T09:05:00Z");
    world.set_time(end + 300);
    for workload in both {
        world.act("alice", &["cell", "seal", workload]);
        world.nothing("alice", &["cell", "seal", workload]);
    }
    let early = world.error("alice", &["cell", "settle", "0"]);
    assert_eq!(early, "the cell cannot be settled before 2027-01-15T09:15:00Z");
    world.set_time(end + 900);
    for workload in both {
        world.act("alice", &["cell", "settle", workload]);
    }
    let cell = world.json("alice", &["cell", "show", "0"]);
    assert_eq!(
        (&cell["phase"], &cell["epoch"], &cell["last_pool"]),
        (&json!("collecting"), &json!(1), &json!("750.5"))
    );
    let [alice, bob] = [0, 1].map(|slot| &cell["slots"][slot]);
    assert_eq!((&alice["last_reason"], &bob["last_reason"]), (&json!("Paid"), &json!("VerificationBreach")));
    assert_eq!((&alice["served"], &alice["attempts"], &bob["last_reward"]), (&json!(0), &json!(0), &json!("0")));

    // 40 of 40 at z = 1.645: p = 40 / (40 + 1.645²) = 0.93664…, alone in its cell; every step rounds down.
    let reward = alice["last_reward"].as_str().unwrap();
    assert_eq!(reward, "702.945299");
    let (units, exact) = (702_945_299u64, 750.5e6 * 40.0 / (40.0 + 1.645 * 1.645));
    assert!((0.0..20.0).contains(&(exact - units as f64)), "{exact}");
    let rewards = world.json("alice", &["rewards", "show"]);
    assert_eq!((&rewards["unclaimed"], &rewards["slots"][0]["last_reward"]), (&json!(reward), &json!(reward)));
    let before = world.units("alice");
    let claimed = world.act("alice", &["rewards", "claim"]);
    assert_eq!(claimed["amount"], reward);
    assert_eq!(world.units("alice") - before, units);
    world.nothing("bob", &["rewards", "claim", &world.wallet("alice")]);
    assert_eq!(world.json("alice", &["rewards", "show"])["claimed"], reward);

    let slashed = world.act("alice", &["operator", "slash", &world.wallet("bob"), "0"]);
    assert_eq!((&slashed["amount"], &slashed["slash_bps"]), (&json!("75"), &json!(5_000)));
    world.nothing("alice", &["operator", "slash", &world.wallet("bob"), "0"]);
    world.act("alice", &["cell", "sweep", "0"]);
    world.nothing("alice", &["cell", "sweep", "0"]);
}

/// Bob leaves, and workload 1 retires; both are over after epoch 2.
fn leave(world: &mut World) {
    world.act("alice", &["epoch", "open", "--all"]);
    world.act("bob", &["cell", "leave", "0"]);
    world.nothing("bob", &["cell", "leave", "0"]);
    world.act("authority", &["workload", "set-weight", "1", "0"]);
    world.act("attester-2", &["committee", "unbond", "2", "10"]);
    for epoch in [1, 2] {
        let end = GENESIS + (epoch + 1) * 3_600;
        world.set_time(end + 300);
        if epoch == 2 {
            world.act("alice", &["epoch", "open", "--all"]);
        }
        let cells: &[&str] = if epoch == 1 { &["0", "1"] } else { &["0"] };
        for workload in cells {
            world.act("alice", &["cell", "seal", workload]);
        }
        world.set_time(end + 900);
        for workload in cells {
            world.act("alice", &["cell", "settle", workload]);
        }
        if epoch == 1 {
            world.act("alice", &["epoch", "open", "--all"]);
        }
    }
    for epoch in ["0", "1"] {
        let closed = world.act("bob", &["epoch", "close", epoch]);
        assert_eq!((&closed["cells_done"], &closed["closes"]), (&json!(2), &json!("yes")));
    }
    let epochs = world.json("alice", &["epoch", "list"]);
    let numbers: Vec<&Value> = epochs.as_array().unwrap().iter().map(|epoch| &epoch["epoch"]).collect();
    assert_eq!(numbers, [2, 3]);
}

/// What is over is taken apart, and gives back what it held.
fn close(world: &mut World) {
    let bob = world.wallet("bob");
    world.act("alice", &["cell", "release", "0", &bob]);
    world.act("alice", &["cell", "trim", "0"]);
    world.nothing("alice", &["cell", "trim", "0"]);
    world.act("alice", &["cell", "sweep", "1"]);
    world.act("alice", &["cell", "close", "1"]);
    world.act("bob", &["operator", "bond", "unbond", "75"]);
    let withdrawable = world.json("bob", &["operator", "show"])["withdrawable_ts"].as_i64().unwrap();
    world.set_time(withdrawable);
    world.act("alice", &["operator", "bond", "withdraw", &bob]);
    world.nothing("alice", &["operator", "bond", "withdraw", &bob]);
    world.act("bob", &["operator", "retire"]);
    let gone = world.error("bob", &["operator", "show"]);
    let register = "register one with `covctl operator register`";
    assert_eq!(gone, format!("{bob} has no operator in this network, nor is it one: {register}"));
    let (fee_payer, before) = (world.file("guardian.json"), world.lamports("alice"));
    let funded = world.act("alice", &["treasury", "fund", "1", "--fee-payer", &fee_payer]);
    assert_eq!(funded["transactions"][0]["accounts"][0]["address"], world.wallet("guardian"));
    assert_eq!((&funded["transactions"][0]["fee_lamports"], world.lamports("alice")), (&json!(10_000), before));
    discard(world);
    world.act("alice", &["committee", "withdraw", "2"]);
    world.nothing("alice", &["committee", "withdraw", "2"]);
}

/// An upload that nobody will sign is taken back by who paid for it.
fn discard(world: &mut World) {
    let workload = pda::workload(&world.network(), 0);
    let batch = BatchOf { network: world.network(), workload, epoch: 3, sequence: 9, generation: 1 };
    let statement = Statement::upload_only(batch, vec![0; 64]);
    let alice = world.wallet("alice");
    let uploads = statement.upload(alice.parse().unwrap());
    world.rpc.chain().lock().unwrap().try_send(&uploads).unwrap();
    let attestation = statement.address(&alice.parse().unwrap()).to_string();
    let refused = world.error("bob", &["batch", "discard", &attestation]);
    assert_eq!(refused, format!("only who opened it may close it: name {alice}'s keypair with --keypair"));
    let before = world.lamports("alice");
    world.act("alice", &["batch", "discard", &attestation]);
    assert!(world.lamports("alice") > before, "its rent is back");
}
