//! What a probe asks, and how its answer is checked.
//!
//! The task is one that any instruction-tuned model does: add two numbers of two digits, and repeat a made-up word. The word
//! makes every request new, so an answer cannot come from a cache; the sum is not in the request, so sending the request back
//! is no answer. It shows that *a* model answers afresh, not which one: that is the verification mode's to show.
//!
//! ```text
//! draw  = SHA-256("coverage-settlement:probe-prompt:v1" ‖ request id)
//! shape = byte 0 mod 4     a = 10 + byte 1 mod 90     b = 10 + byte 2 mod 90
//! word  = four times consonant (byte mod 16) and vowel (byte mod 4), from bytes 3 to 10
//! seed  = bytes 11 to 14, little-endian, without the top bit
//! ```

use coverage_client::math::hash::{Hash, Sha256, Software};

/// Separates the hash that a prompt is drawn from from all others.
const PROMPT_TAG: &[u8] = b"coverage-settlement:probe-prompt:v1";
/// Letters that tell words apart even where a model changes the case.
const CONSONANTS: &[u8; 16] = b"bdfgjklmnprstvwz";
const VOWELS: &[u8; 4] = b"aeio";

/// A question with its only right answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is sent.
    pub text: String,
    /// The sampling seed sent along: the same request is the same for everyone who repeats it.
    pub seed: u32,
    /// The word that the answer must have.
    word: String,
    /// The number that the answer must have.
    sum: String,
}

impl Question {
    /// The question of a probe.
    #[must_use]
    pub fn of(request_id: &Hash) -> Self {
        let draw = Software::hash(&[PROMPT_TAG, request_id]);
        let [shape, a, b, w0, w1, w2, w3, w4, w5, w6, w7, s0, s1, s2, s3, ..] = draw;
        let (a, b) = (number(a), number(b));
        let word: String = [[w0, w1], [w2, w3], [w4, w5], [w6, w7]].into_iter().flat_map(syllable).collect();
        let text = match shape % 4 {
            0 => format!("What is {a} + {b}? Reply with the number, a space and the word {word}. Nothing else."),
            1 => format!("Repeat the word {word}, then write the sum of {a} and {b} in digits. Nothing else."),
            2 => format!("Add {a} to {b}. Answer in one line: the result in digits, then {word}."),
            _ => format!("Reply with two things only: the word {word}, and {a} plus {b} in digits."),
        };
        let seed = u32::from_le_bytes([s0, s1, s2, s3]) & 0x7fff_ffff;
        Self { text, seed, word, sum: u16::from(a).saturating_add(u16::from(b)).to_string() }
    }

    /// Whether `answer` has the word and the sum among its words and numbers, in any case and between any signs: models add
    /// punctuation, markdown and courtesies.
    #[must_use]
    pub fn is_answered_by(&self, answer: &str) -> bool {
        let runs = |kind: fn(&char) -> bool| answer.split(move |letter| !kind(&letter)).filter(|run| !run.is_empty());
        runs(|letter| letter.is_ascii_digit()).any(|run| run == self.sum)
            && runs(|letter| letter.is_alphabetic()).any(|run| run.eq_ignore_ascii_case(&self.word))
    }
}

/// A number of two digits.
fn number(byte: u8) -> u8 {
    10_u8.saturating_add(byte % 90)
}

/// A consonant and a vowel.
fn syllable([consonant, vowel]: [u8; 2]) -> [char; 2] {
    let pick = |letters: &[u8], byte: u8| {
        let index = usize::from(byte).checked_rem(letters.len()).unwrap_or(0);
        letters.get(index).map_or('a', |letter| char::from(*letter))
    };
    [pick(CONSONANTS, consonant), pick(VOWELS, vowel)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_drawn_from_the_request_id_alone() {
        let question = Question::of(&[7; 32]);
        // Computed by another implementation of the text above.
        let text = "What is 52 + 37? Reply with the number, a space and the word dojijafi. Nothing else.";
        assert_eq!(question.text, text);
        assert_eq!((question.word.as_str(), question.sum.as_str(), question.seed), ("dojijafi", "89", 1_125_405_562));
    }

    #[test]
    fn an_answer_needs_the_word_and_the_sum() {
        let question = Question { text: String::new(), seed: 0, word: "karomine".into(), sum: "42".into() };
        for right in ["42 karomine", "**Karomine**, 42.", "Sure! The word is \"KAROMINE\" and 12+30=42", "karomine42"] {
            assert!(question.is_answered_by(right), "{right}");
        }
        for wrong in
            ["", "42", "karomine", "142 karomine", "4 2 karomine", "karominer 42", "karo mine 42", "41 karomine"]
        {
            assert!(!question.is_answered_by(wrong), "{wrong}");
        }
    }

    #[test]
    fn sending_the_question_back_is_no_answer() {
        let mut shapes = [0; 4];
        for byte in 0..=255 {
            let question = Question::of(&[byte; 32]);
            assert!(!question.is_answered_by(&question.text), "{}", question.text);
            let first = question.text.split(' ').next();
            let shape = ["What", "Repeat", "Add", "Reply"].iter().position(|word| Some(*word) == first);
            if let Some(count) = shape.and_then(|shape| shapes.get_mut(shape)) {
                *count += 1;
            }
        }
        assert!(shapes.iter().all(|count| (40..90).contains(count)), "{shapes:?} of 256");
    }
}
