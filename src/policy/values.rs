//! The values that conditions compare: decimal numbers, dates, address ranges, Base64.
//!
//! Must never accept a text that AWS might read otherwise: what is not surely one of these is None.

use crate::model::text::is_digits;
use crate::model::time::iso_8601;
use ipnet::IpNet;
use std::cmp::Ordering;
use std::net::IpAddr;

/// A decimal number of any length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// Without leading zeros.
    whole: String,
    /// Without trailing zeros.
    fraction: String,
}

impl Decimal {
    /// Digits with at most one point and a sign; no exponent.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if !is_digits(whole) || !(fraction.is_empty() || is_digits(fraction)) {
            return None;
        }
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !zero, whole, fraction })
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |left: &Self, right: &Self| {
            (left.whole.len(), &left.whole, &left.fraction).cmp(&(right.whole.len(), &right.whole, &right.fraction))
        };
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => size(self, other),
            (true, true) => size(other, self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Seconds since the epoch and nanoseconds, from ISO 8601 with a time zone, a date, or epoch seconds.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Date>
pub(crate) fn date(text: &str) -> Option<(i64, u32)> {
    // Four digits would be a year in ISO 8601 and a moment of 1970 as epoch seconds.
    if text.len() > 4 && is_digits(text) {
        return text.parse().ok().map(|seconds| (seconds, 0));
    }
    iso_8601(text)
}

/// A CIDR block (`203.0.113.0/24`, `2001:db8::/32`), or one address.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    match length {
        None => Some(address.into()),
        Some(length) if length.len() <= 3 && is_digits(length) => IpNet::new(address, length.parse().ok()?).ok(),
        Some(_) => None,
    }
}

/// Whether the text is canonical Base64.
pub(crate) fn is_base64(text: &str) -> bool {
    let data = text.trim_end_matches('=');
    let padding = text.len() - data.len();
    let body = data.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/');
    let last = data.bytes().last();
    let clean = match padding {
        0 => true,
        1 => last.is_some_and(|byte| b"AEIMQUYcgkosw048".contains(&byte)),
        2 => last.is_some_and(|byte| b"AQgw".contains(&byte)),
        _ => false,
    };
    body && clean && text.len().is_multiple_of(4)
}

/// `true` or `false`, in any case.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}
