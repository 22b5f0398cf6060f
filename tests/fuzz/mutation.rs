//! Random inputs, made from well-formed ones.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

/// A source of random inputs: each is one of the seeds, changed in a few places.
pub(crate) struct Mutations {
    numbers: Xoshiro256PlusPlus,
    seeds: Vec<Vec<u8>>,
}

/// What breaks parsers: structure, bounds of numbers, escapes, and bytes that are no text.
const PIECES: [&[u8]; 36] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"=",
    b"&",
    b"%",
    b";",
    b"\\",
    b"\n",
    b" ",
    b"\0",
    b"null",
    b"true",
    b"0",
    b"-1",
    b"1.5",
    b"1e9",
    b"1e-400",
    b"999999",
    b"1000000",
    b"4294967296",
    b"9223372036854775807",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
    b"[0]",
    b"%5B%5D",
    b"%00",
];
const LONGEST: usize = 4096;

impl Mutations {
    /// Makes a source that returns the same inputs whenever it is made of the same seeds.
    pub(crate) fn new(seeds: &[&str]) -> Self {
        let seeds = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
        Self { numbers: Xoshiro256PlusPlus::seed_from_u64(0), seeds }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.numbers.random_range(0..bound)
    }

    pub(crate) fn next(&mut self) -> Vec<u8> {
        let index = self.below(self.seeds.len());
        let mut input = self.seeds[index].clone();
        for _ in 0..=self.below(6) {
            let at = self.below(input.len() + 1);
            let end = (at + self.below(12)).min(input.len());
            match self.below(7) {
                0 => drop(input.drain(at..end)),
                1 | 2 => {
                    let piece = PIECES[self.below(PIECES.len())];
                    drop(input.splice(at..end, piece.iter().copied()));
                }
                3 => {
                    let piece = PIECES[self.below(PIECES.len())];
                    drop(input.splice(at..at, piece.iter().copied()));
                }
                4 if at < input.len() => input[at] ^= 1 << self.below(8),
                5 => {
                    // Insert a part of any seed.
                    let other = self.below(self.seeds.len());
                    let other = self.seeds[other].clone();
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(80)).min(other.len());
                    drop(input.splice(at..at, other[from..to].iter().copied()));
                }
                _ => input.truncate(at),
            }
        }
        input.truncate(LONGEST);
        input
    }
}
