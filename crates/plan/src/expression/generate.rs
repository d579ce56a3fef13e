//! Functions that make values up. The planner gives the same plan for the same input, so nothing here is random: values
//! come from a hash of the seed of the setting and of the place of the call in the expression.

use super::{
    ExpressionError,
    catalogue::{Function, MANY, function},
    evaluate::{Arguments, Evaluator, text_of},
    text::required_integer,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

type Evaluated = Result<Value, ExpressionError>;

pub(super) static FUNCTIONS: [Function; 4] = [
    function(
        "DefaultDomain()",
        "The domain that the application's configuration names.",
        (0, 0),
        &[],
        default_domain,
    ),
    function(
        "Guid()",
        "An identifier in the form of a GUID; the same object always gets the same.",
        (0, 0),
        &[],
        guid,
    ),
    function(
        "RandomString(length, minNumbers, minSpecial, minCapital, minLowerCase, charactersToAvoid?)",
        "Characters that look random; the same object always gets the same.",
        (5, 6),
        &[],
        random_string,
    ),
    function(
        "SelectUniqueValue(rule1, rule2, …)",
        "The first of several values that nobody has at the target yet.",
        (2, MANY),
        &[],
        unique,
    ),
];

const LONGEST: usize = 256;
const DIGITS: &str = "0123456789";
/// The special characters of the Windows rules for complex passwords.
const SPECIAL: &str = "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/";
const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const SMALL: &str = "abcdefghijklmnopqrstuvwxyz";

fn default_domain(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let domain = evaluator.setting.default_domain;
    domain.map(Value::from).ok_or_else(|| {
        arguments.error("The configuration has no default_domain that DefaultDomain could give")
    })
}

/// In the form of a random UUID (RFC 9562 section 5.4), because some applications accept no other.
fn guid(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let mut bytes = Bytes::new(evaluator.setting.seed, "Guid", arguments.position);
    let mut number = (0..16).fold(0_u128, |number, _| number << 8 | u128::from(bytes.next()));
    number &= !(0xf << 76 | 0b11 << 62);
    number |= 0x4 << 76 | 0b10 << 62;
    let digits = format!("{number:032x}");
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)]
        .map(|(from, to)| digits.get(from..to).unwrap_or_default());
    Ok(Value::from(parts.join("-")))
}

fn random_string(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let length = count(evaluator, arguments, 0)?;
    let mut minima = [0; 4];
    for (index, minimum) in minima.iter_mut().enumerate() {
        *minimum = count(evaluator, arguments, index + 1)?;
    }
    let avoided = evaluator.text(arguments, 5)?.unwrap_or_default();
    let needed: usize = minima.iter().sum();
    if length == 0 || length < needed {
        return Err(arguments.error_at(
            0,
            format!(
                "RandomString needs a length of at least 1 and of the sum of the minima, {needed}"
            ),
        ));
    }
    let allowed = [DIGITS, SPECIAL, CAPITALS, SMALL].map(|class| -> Vec<char> {
        class
            .chars()
            .filter(|&character| !avoided.contains(character))
            .collect()
    });
    // Kinds that nobody asked for do not appear, unless no kind was asked for: then letters and digits do.
    let fills = |index: usize, minimum: usize| minimum > 0 || (needed == 0 && index != 1);
    let mut filling = Vec::new();
    for (index, (class, &minimum)) in allowed.iter().zip(&minima).enumerate() {
        if minimum > 0 && class.is_empty() {
            return Err(arguments.error_at(
                5,
                "charactersToAvoid leaves none of a kind of which some are needed",
            ));
        }
        if fills(index, minimum) {
            filling.extend(class);
        }
    }
    if filling.is_empty() {
        return Err(arguments.error_at(5, "charactersToAvoid leaves no characters"));
    }
    let mut bytes = Bytes::new(evaluator.setting.seed, "RandomString", arguments.position);
    let mut drawn = Vec::with_capacity(length);
    for (class, &minimum) in allowed.iter().zip(&minima) {
        for _ in 0..minimum {
            drawn.extend(bytes.choose(class));
        }
    }
    while drawn.len() < length {
        drawn.extend(bytes.choose(&filling));
    }
    for last in (1..drawn.len()).rev() {
        drawn.swap(last, bytes.below(last + 1));
    }
    Ok(Value::from(drawn.into_iter().collect::<String>()))
}

fn count(
    evaluator: &mut Evaluator<'_>,
    arguments: Arguments<'_>,
    index: usize,
) -> Result<usize, ExpressionError> {
    let number = required_integer(evaluator, arguments, index)?;
    usize::try_from(number)
        .ok()
        .filter(|number| *number <= LONGEST)
        .ok_or_else(|| {
            arguments.error_at(
                index,
                format!(
                    "Parameter {} must be 0 to {LONGEST}, not {number}",
                    index + 1
                ),
            )
        })
}

/// The candidates that have a value, each once, in order; whoever asked for the value tries them at the target.
fn unique(evaluator: &mut Evaluator<'_>, arguments: Arguments<'_>) -> Evaluated {
    let mut candidates: Vec<Value> = Vec::new();
    for index in 0..arguments.count() {
        let value = evaluator.value(arguments, index)?;
        let text = text_of(&value).map_err(|message| arguments.parameter(index, message))?;
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let candidate = Value::from(text);
            if !candidates.contains(&candidate) {
                candidates.push(candidate);
            }
        }
    }
    Ok(Value::Array(candidates))
}

/// An endless row of bytes that is the same for the same seed.
struct Bytes {
    key: Sha256,
    block: u64,
    left: Vec<u8>,
}

impl Bytes {
    fn new(seed: &str, purpose: &str, position: usize) -> Self {
        let mut key = Sha256::new();
        for part in [purpose.as_bytes(), &position.to_le_bytes(), seed.as_bytes()] {
            key.update(part.len().to_le_bytes());
            key.update(part);
        }
        Self {
            key,
            block: 0,
            left: Vec::new(),
        }
    }

    fn next(&mut self) -> u8 {
        loop {
            if let Some(byte) = self.left.pop() {
                return byte;
            }
            let mut block = self.key.clone();
            block.update(self.block.to_le_bytes());
            self.left = block.finalize().to_vec();
            self.block += 1;
        }
    }

    /// A number below `bound`, which is 1 to 256, each equally often: bytes that would favour the small ones are left out.
    fn below(&mut self, bound: usize) -> usize {
        let fair = 256 - 256 % bound;
        loop {
            let byte = usize::from(self.next());
            if byte < fair {
                return byte % bound;
            }
        }
    }

    fn choose(&mut self, from: &[char]) -> Option<char> {
        let index = self.below(from.len().max(1));
        from.get(index).copied()
    }
}
