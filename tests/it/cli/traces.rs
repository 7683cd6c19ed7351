//! Spans for a collector, where the program was built for it; otherwise it says that it was not.

use super::operator::Operator;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[cfg(not(feature = "opentelemetry"))]
#[test]
fn a_program_without_the_feature_says_so_and_works() {
    let operator = Operator::offline();
    let line = "info bigbrotr opentelemetry_not_built_in\n";
    let collector = [(ENDPOINT, "http://127.0.0.1:4318")];
    let ran = operator.run_with(&collector, &["seeder", "--once"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains(line), "{ran:?}");
    assert!(!operator.run(&["seeder", "--once"]).err.contains(line));
}

#[cfg(feature = "opentelemetry")]
mod exported {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::{ENDPOINT, Operator};

    /// A collector that keeps what it is sent.
    struct Collector {
        address: SocketAddr,
        requests: Arc<Mutex<Vec<(String, Value)>>>,
    }

    impl Collector {
        fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let requests = Arc::new(Mutex::new(Vec::new()));
            let kept = Arc::clone(&requests);
            let serving = move || {
                for stream in listener.incoming() {
                    let request = take(&stream.unwrap());
                    kept.lock().unwrap().push(request);
                }
            };
            std::thread::Builder::new().spawn(serving).unwrap();
            Self { address, requests }
        }

        fn spans(&self) -> Vec<Value> {
            let mut spans = Vec::new();
            for (head, document) in self.requests.lock().unwrap().iter() {
                assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
                let resource = &document["resourceSpans"][0];
                let name = attribute(&resource["resource"], "service.name");
                assert_eq!(name, Some("archive of mine"));
                let batch = resource["scopeSpans"][0]["spans"].as_array().unwrap();
                spans.extend(batch.iter().cloned());
            }
            spans
        }
    }

    /// Reads a request and answers it.
    fn take(mut stream: &TcpStream) -> (String, Value) {
        let mut reader = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let answer =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer).unwrap();
        (head, serde_json::from_slice(&body).unwrap())
    }

    fn attribute<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
        let all = of["attributes"].as_array().unwrap();
        let found = all.iter().find(|attribute| attribute["key"] == key)?;
        found["value"]["stringValue"].as_str()
    }

    fn nanos(span: &Value, key: &str) -> u64 {
        span[key].as_str().unwrap().parse().unwrap()
    }

    #[test]
    fn a_cycle_and_the_relays_in_it_reach_the_collector() {
        let operator = Operator::offline();
        let metrics = operator.metrics_address();
        operator.write(
            "config/brotr.yaml",
            format!(
                "networks: {{clearnet: {{enabled: false}}, local: {{enabled: true}}}}\n\
                 metrics: {{host: {}}}\n",
                metrics.ip()
            ),
        );
        // Nobody listens there: the attempt is a span all the same.
        operator.write("seeds.txt", "ws://127.0.0.1:9\n");
        let collector = Collector::start();
        let endpoint = format!("http://{}", collector.address);
        let variables = [
            (ENDPOINT, endpoint.as_str()),
            ("OTEL_SERVICE_NAME", "archive of mine"),
        ];
        let ran = operator.run_with(&variables, &["run", "--once"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let spans = collector.spans();
        let cycle = spans.iter().find(|span| {
            span["name"] == "cycle" && attribute(span, "service") == Some("validator")
        });
        let cycle = cycle.unwrap_or_else(|| panic!("{spans:#?}\n{ran:?}"));
        let relay = spans.iter().find(|span| span["name"] == "relay");
        let relay = relay.unwrap_or_else(|| panic!("{spans:#?}\n{ran:?}"));
        assert_eq!(attribute(relay, "relay.url"), Some("ws://127.0.0.1:9"));
        assert_eq!(relay["traceId"], cycle["traceId"]);
        assert_eq!(relay["parentSpanId"], cycle["spanId"]);
        assert!(cycle.get("parentSpanId").is_none(), "{cycle}");
        assert_eq!(relay["traceId"].as_str().unwrap().len(), 32);
        assert!(nanos(cycle, "startTimeUnixNano") <= nanos(relay, "startTimeUnixNano"));
        assert!(nanos(relay, "endTimeUnixNano") <= nanos(cycle, "endTimeUnixNano"));
    }

    #[test]
    fn an_endpoint_that_cannot_be_used_is_said_and_harms_nothing() {
        let operator = Operator::offline();
        let said = |endpoint: &str| {
            let ran = operator.run_with(&[(ENDPOINT, endpoint)], &["seeder", "--once"]);
            assert_eq!(ran.code, 0, "{ran:?}");
            ran.err
        };
        assert!(said("https://127.0.0.1:1").contains("opentelemetry_endpoint_unusable"));
        assert!(said("http://127.0.0.1:1").contains("spans_not_exported count=1 "));
    }
}
