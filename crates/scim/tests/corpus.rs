//! The fuzz targets on their kept corpus and on mutations of it, the same ones in every run.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

mod targets;

use std::{fs, panic, path::Path};

const MUTATIONS: usize = 2000;
const MOST_BYTES: usize = 4096;

/// SplitMix64: a small generator whose numbers are the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }
}

/// The words of the dictionary that the fuzzer uses too.
fn words() -> Vec<Vec<u8>> {
    let lines = include_str!("../fuzz/scim.dict").lines();
    let quoted = lines.filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    quoted.map(unescape).collect()
}

/// libFuzzer knows the escapes `\"`, `\\` and `\xAB`.
fn unescape(word: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = word;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let length = if escaped.starts_with('x') {
            bytes.push(u8::from_str_radix(&escaped[1..3], 16).unwrap());
            3
        } else {
            bytes.push(escaped.as_bytes()[0]);
            1
        };
        rest = &escaped[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    // The order of a directory is not the same everywhere.
    paths.sort();
    let inputs: Vec<_> = paths
        .into_iter()
        .map(|path| fs::read(path).unwrap())
        .collect();
    assert!(!inputs.is_empty());
    inputs
}

fn mutate(random: &mut Random, input: &mut Vec<u8>, other: &[u8], word: &[u8]) {
    let at = random.below(input.len() + 1);
    let end = (at + 1 + random.below(16)).min(input.len());
    match random.below(6) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => drop(input.drain(at.min(end)..end)),
        2 => drop(input.splice(at..at, word.iter().copied())),
        3 => drop(input.splice(at.min(end)..end, word.iter().copied())),
        4 => {
            let copy = input[at.min(end)..end].to_vec();
            drop(input.splice(at..at, copy));
        }
        _ => {
            let from = random.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
    }
    input.truncate(MOST_BYTES);
}

fn check(target: &str) {
    let inputs = corpus(target);
    let words = words();
    for input in &inputs {
        holds(target, input);
    }
    let mut random = Random(1);
    for _ in 0..MUTATIONS {
        let mut input = inputs[random.below(inputs.len())].clone();
        for _ in 0..=random.below(4) {
            let other = &inputs[random.below(inputs.len())];
            let word = &words[random.below(words.len())];
            mutate(&mut random, &mut input, other, word);
        }
        holds(target, &input);
    }
}

/// Runs a target and, if it fails, says on which input.
#[track_caller]
fn holds(target: &str, input: &[u8]) {
    let result = panic::catch_unwind(|| targets::run(target, input));
    if let Err(cause) = result {
        eprintln!("{target} fails on {}", input.escape_ascii());
        panic::resume_unwind(cause);
    }
}

#[test]
fn filters() {
    check("filter");
}

#[test]
fn paths() {
    check("path");
}

#[test]
fn patches() {
    check("patch");
}

#[test]
fn bodies() {
    check("body");
}

#[test]
fn definitions() {
    check("definition");
}

#[test]
fn bulk_requests() {
    check("bulk");
}
