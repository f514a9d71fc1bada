#![allow(clippy::unwrap_used)]
use super::*;

const KEY: &str = "So11111111111111111111111111111111111111112";

/// What a file with these settings, and those every file has, is understood as.
fn load(more: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    let text =
        format!("network = \"{KEY}\"\nrpc_url = \"http://127.0.0.1:8899\"\nkey = \"id.json\"\ndata = \"data\"\n{more}");
    std::fs::write(&path, text).unwrap();
    Settings::load(Some(&path)).map_err(|error| error.to_string())
}

#[test]
fn they_are_shown_with_defaults() {
    let shown = "\
network = \"So11111111111111111111111111111111111111112\"
rpc_url = \"http://127.0.0.1:8899\"
key = \"id.json\"
data = \"data\"
listen = \"127.0.0.1:8950\"
reporters = []
workers = []
log = \"text\"
refresh_ms = 2000
queue_bytes = 67108864
request_bytes = 4194304

[peers]

[batches]
receipts = 20000
interval_ms = 60000
round_ms = 20000
request_timeout_ms = 15000
fetch_timeout_ms = 10000
hold_ms = 30000

[probe]
per_epoch = 24
max_tokens = 64
controls = []
endpoints = []
";
    assert_eq!(load("").unwrap().shown().unwrap(), shown);
}

#[test]
fn what_is_shown_is_understood_as_the_same() {
    let more = format!(
        "payer = \"payer.json\"\npublish = \"out\"\nreporters = [\"{KEY}\"]\nworkers = [\"{KEY}\"]\nlog = \"json\"\n\
         peers.{KEY} = \"http://peer:8950\"\n\
         [nats]\nurl = \"nats://a:4222,nats://b:4222\"\nstream = \"RECEIPTS\"\ncredentials = \"nats.creds\"\n\
         [probe]\nper_epoch = 12\ntranscripts = \"kept\"\ncontrols = [\"rpc.example.org:443\"]\n\
         [[probe.endpoints]]\noperator = \"{KEY}\"\nurl = \"https://gpu.example/v1\"\nmodel = \"llama\"\n\
         [[probe.endpoints]]\noperator = \"{KEY}\"\nworkload = \"{KEY}\"\nurl = \"https://gpu.example/v1\"\n\
         model = \"qwen\"\napi_key_env = \"PATH\"\n"
    );
    let settings = load(&more).unwrap();
    assert_eq!(settings.probe.endpoints.len(), 2);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shown.toml");
    std::fs::write(&path, settings.shown().unwrap()).unwrap();
    assert_eq!(Settings::load(Some(&path)).unwrap(), settings);
}

#[test]
fn secrets_in_urls_are_not_shown() {
    let more = format!(
        "peers.{KEY} = \"http://peer:word@peer:8950\"\n\
         [nats]\nurl = \"nats://user:word@a:4222,token@b:4222\"\nstream = \"RECEIPTS\"\n"
    );
    let settings = Settings { rpc_url: "https://rpc.example/?api-key=word".to_owned(), ..load(&more).unwrap() };
    let shown = settings.shown().unwrap();
    let urls = [
        "rpc_url = \"https://rpc.example/?…\"".to_owned(),
        format!("{KEY} = \"http://…@peer:8950\""),
        "url = \"nats://…@a:4222,…@b:4222\"".to_owned(),
    ];
    for url in urls {
        assert!(shown.lines().any(|line| line == url), "{url} in {shown}");
    }
}

#[test]
fn wrong_settings_of_probes_are_wrong_settings() {
    let endpoint = |more: &str| format!("[[probe.endpoints]]\noperator = \"{KEY}\"\nmodel = \"llama\"\n{more}\n");
    let good = endpoint("url = \"https://gpu.example/v1\"");
    assert!(load(&good).is_ok());
    let cases = [
        (
            "probe.per_epoch = 0\n".to_owned(),
            "probe.per_epoch is 0: set it between 1 and 1440, the same for all attesters of the network".to_owned(),
        ),
        (
            endpoint("url = \"ftp://gpu.example/v1\""),
            format!(
                "the endpoint \"ftp://gpu.example/v1\" of operator {KEY} is not a URL with http or https and a host: \
                 its scheme is ftp"
            ),
        ),
        (
            good.replace("llama\"", "llama\"\napi_key_env = \"COVERAGE_TEST_UNSET\""),
            format!(
                "the environment variable COVERAGE_TEST_UNSET for the endpoint of operator {KEY} is not set: set it or \
                 remove api_key_env"
            ),
        ),
        (good.repeat(2), format!("operator {KEY} has two endpoints for all workloads: remove one of them")),
    ];
    for (more, error) in cases {
        assert_eq!(load(&more), Err(error));
    }
}

#[test]
fn a_worker_has_an_attester_and_nothing_of_an_attester() {
    let peer = format!("peers.{KEY} = \"http://attester:8950\"\n");
    let worker = format!("works_for = \"{KEY}\"\n");
    let settings = load(&format!("{worker}{peer}")).unwrap();
    assert_eq!(settings.works_for, Some(*settings.peers.first_key_value().unwrap().0));
    assert_eq!(load(&worker), Err(format!("works_for is {KEY}, and peers has no URL for it: add one")));
    let endpoint =
        format!("[[probe.endpoints]]\noperator = \"{KEY}\"\nmodel = \"llama\"\nurl = \"https://gpu.example/v1\"\n");
    let others = [
        ("workers", format!("workers = [\"{KEY}\"]\n")),
        ("payer", "payer = \"payer.json\"\n".to_owned()),
        ("publish", "publish = \"out\"\n".to_owned()),
        ("probe.endpoints", endpoint),
    ];
    for (name, text) in others {
        let expected = format!("{name} is for attesters, and with works_for this is a worker: remove one of them");
        assert_eq!(load(&format!("{worker}{peer}{text}")), Err(expected));
    }
}
