//! A peer in Rust (rustc --edition 2021 peer.rs): exp of doubles.  Tensors travel as base64 of little-endian bytes.
use std::io::{self, BufRead, Write};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn decode(text: &str) -> Vec<f64> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for c in text.bytes().take_while(|&c| c != b'=') {
        bits = bits << 6 | ALPHABET.iter().position(|&a| a == c).expect("base64") as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
}

fn encode(values: &[f64]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |b, k| b << 8 | *three.get(k).unwrap_or(&0) as u32);
        for k in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * k) & 63) as usize] as char;
            text.push(if k <= three.len() { digit } else { '=' });
        }
    }
    text
}

/// What stands between `start` and `end`, the first time after `key`.
fn between<'a>(line: &'a str, key: &str, start: &str, end: &str) -> &'a str {
    let rest = &line[line.find(key).expect("key")..];
    let rest = &rest[rest.find(start).expect("start") + start.len()..];
    &rest[..rest.find(end).expect("end")]
}

fn main() {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let id = between(&line, "\"id\"", ":", ",");
        let result = match between(&line, "\"method\"", ":\"", "\"") {
            "initialize" => r#"{"name":"rust-example","version":"1","operators":["exp"],"dtypes":["float64"]}"#.into(),
            "shutdown" => "{}".to_string(),
            method => {
                let x = decode(between(&line, "\"inputs\"", "\"b64\":\"", "\""));
                let (what, y): (_, Vec<f64>) = if method == "vjp" {
                    let g = decode(between(&line, "\"cotangents\"", "\"b64\":\"", "\""));
                    ("gradients", x.iter().zip(g).map(|(v, g)| g * v.exp()).collect())
                } else {
                    ("outputs", x.iter().map(|v| v.exp()).collect())
                };
                let shape = between(&line, "\"inputs\"", "\"shape\":[", "]");
                format!(r#"{{"{what}":[{{"dtype":"float64","shape":[{shape}],"b64":"{}"}}]}}"#, encode(&y))
            }
        };
        println!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        io::stdout().flush().unwrap();
    }
}
