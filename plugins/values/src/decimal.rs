//! Exact decimal numbers, between the text that HubSpot sends and the numbers of PartnerOS.
//!
//! A number keeps its decimal digits on the way: `0.1` times 100 is `10`, and 19 digits of an id
//! survive. Only two things round: a fraction beyond [`DIGITS_MAX`] significant digits, and the
//! fraction of a value that becomes a double. Integer digits never change silently; where a double
//! cannot hold them, the conversion fails.

/// Significant digits that a number keeps; further digits of a fraction are cut off.
pub const DIGITS_MAX: u32 = 38;

/// The largest power of ten that is accepted in a number written with an exponent.
const EXPONENT_MAX: i32 = 350;

/// Largest integer below which every integer is a double.
const EXACT_MAX: u128 = 1 << 53;

/// `mantissa` times ten to the power of `exponent`, with a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    mantissa: u128,
    exponent: i32,
}

impl Decimal {
    /// Reads a decimal number such as `-12.50` or `1e3`; `None` when the text is something else, or
    /// has more integer digits than can be kept.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes() {
            [sign @ (b'-' | b'+'), rest @ ..] => (*sign == b'-', rest),
            rest => (false, rest),
        };
        let mut number = Self {
            negative,
            mantissa: 0,
            exponent: 0,
        };
        let rest = number.read_digits(unsigned, false)?;
        let (integer_digits, rest) = (unsigned.len() - rest.len(), rest);
        let (fraction_digits, rest) = match rest {
            [b'.', fraction @ ..] => {
                let rest = number.read_digits(fraction, true)?;
                (fraction.len() - rest.len(), rest)
            }
            rest => (0, rest),
        };
        if integer_digits + fraction_digits == 0 {
            return None;
        }
        match rest {
            [] => Some(number),
            [b'e' | b'E', exponent @ ..] => {
                let exponent: i32 = std::str::from_utf8(exponent).ok()?.parse().ok()?;
                let exponent = number.exponent.checked_add(exponent)?;
                number.exponent = exponent;
                (exponent.abs() <= EXPONENT_MAX).then_some(number)
            }
            _ => None,
        }
    }

    /// Appends the leading digits of `bytes` and returns what follows them.
    fn read_digits<'b>(&mut self, bytes: &'b [u8], fraction: bool) -> Option<&'b [u8]> {
        let length = bytes
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (digits, rest) = bytes.split_at_checked(length)?;
        if length <= 18
            && let Ok(start) = u64::try_from(self.mantissa)
            && let Some(start) = start.checked_mul(10_u64.pow(length as u32))
        {
            // The common case in 64 bits, which is several times faster.
            let small = digits
                .iter()
                .fold(0_u64, |sum, byte| sum * 10 + u64::from(byte - b'0'));
            self.mantissa = u128::from(start) + u128::from(small);
            self.exponent -= if fraction { length as i32 } else { 0 };
            return Some(rest);
        }
        let full = 10_u128.pow(DIGITS_MAX - 1);
        for byte in digits {
            if self.mantissa < full {
                self.mantissa = self.mantissa * 10 + u128::from(byte - b'0');
                self.exponent -= i32::from(fraction);
            } else if !fraction {
                // Zeros can wait in the exponent; any other digit would be lost.
                if *byte != b'0' {
                    return None;
                }
                self.exponent += 1;
            }
        }
        Some(rest)
    }

    /// The shortest decimal number that reads back as the same double; `None` for infinities and
    /// what is not a number.
    pub fn from_f64(value: f64) -> Option<Self> {
        let absolute = value.abs();
        // Whole numbers and hundredths of up to 15 digits are the shortest form as they stand.
        for (factor, exponent) in [(1.0, 0), (100.0, -2)] {
            let scaled = (absolute * factor).round();
            #[expect(
                clippy::float_cmp,
                reason = "the question is whether it is the same double"
            )]
            if scaled < 1e15 && scaled / factor == absolute {
                let mantissa = u128::from(scaled as u64);
                return Some(Self {
                    negative: value < 0.0,
                    mantissa,
                    exponent,
                });
            }
        }
        // Neither `inf` nor `NaN` parses.
        Self::parse(&format!("{value:e}"))
    }

    /// The nearest double; `None` when it would change a digit before the decimal point.
    pub fn to_f64(self) -> Option<f64> {
        const POWERS: usize = 23;
        let sign = if self.negative && self.mantissa != 0 {
            -1.0
        } else {
            1.0
        };
        let power = self.exponent.unsigned_abs() as usize;
        if self.mantissa <= EXACT_MAX && power < POWERS {
            // Both operands are exact, so the result is correctly rounded.
            let (mantissa, power) = (self.mantissa as f64, 10_f64.powi(power as i32));
            let value = if self.exponent < 0 {
                mantissa / power
            } else {
                mantissa * power
            };
            if value < EXACT_MAX as f64 {
                return Some(sign * value);
            }
        }
        let value: f64 = self.to_text().parse().ok()?;
        let exact = value.abs() < EXACT_MAX as f64
            || Self::parse(&format!("{value:e}")).is_some_and(|short| short.same_as(self))
            || Self::parse(&format!("{value:.0}")).is_some_and(|long| long.same_as(self));
        (value.is_finite() && exact).then_some(value)
    }

    /// The same number from an integer.
    pub fn from_i64(value: i64) -> Self {
        let mantissa = u128::from(value.unsigned_abs());
        Self {
            negative: value < 0,
            mantissa,
            exponent: 0,
        }
    }

    /// The integer of this value; `None` when it has a fraction or does not fit 64 bits.
    pub fn to_i64(self) -> Option<i64> {
        let whole = self.without_trailing_zeros();
        let power = u32::try_from(whole.exponent).ok()?;
        let absolute = whole.mantissa.checked_mul(10_u128.checked_pow(power)?)?;
        let absolute = i128::try_from(absolute).ok()?;
        i64::try_from(if whole.negative { -absolute } else { absolute }).ok()
    }

    /// Whether the value has no fraction.
    pub fn is_integer(self) -> bool {
        self.without_trailing_zeros().exponent >= 0
    }

    /// Whether the value is zero.
    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// The product, exact unless it needs more than [`DIGITS_MAX`] digits.
    pub fn times(self, factor: Self) -> Option<Self> {
        let (left, right) = (
            self.without_trailing_zeros(),
            factor.without_trailing_zeros(),
        );
        match left.mantissa.checked_mul(right.mantissa) {
            Some(mantissa) => Some(Self {
                negative: left.negative != right.negative,
                mantissa,
                exponent: left.exponent + right.exponent,
            }),
            None => Self::from_f64(left.to_f64()? * right.to_f64()?),
        }
    }

    /// The quotient, exact where it ends within [`DIGITS_MAX`] digits; `None` for division by zero.
    pub fn divided_by(self, divisor: Self) -> Option<Self> {
        let divisor = divisor.without_trailing_zeros();
        let mut mantissa = self.mantissa;
        let mut exponent = self.exponent - divisor.exponent;
        loop {
            if mantissa.checked_rem(divisor.mantissa)? == 0 {
                let negative = self.negative != divisor.negative;
                return Some(Self {
                    negative,
                    mantissa: mantissa / divisor.mantissa,
                    exponent,
                });
            }
            match mantissa.checked_mul(10) {
                Some(larger) => mantissa = larger,
                None => return Self::from_f64(self.to_f64()? / divisor.to_f64()?),
            }
            exponent -= 1;
        }
    }

    /// The value with at most this many decimals, halves rounded away from zero.
    pub fn rounded(self, decimals: u32) -> Self {
        let surplus = -(i64::from(self.exponent) + i64::from(decimals));
        let Ok(surplus @ 1..) = u32::try_from(surplus) else {
            return self;
        };
        let exponent = -(decimals as i32);
        let Some(unit) = 10_u128.checked_pow(surplus) else {
            return Self {
                negative: false,
                mantissa: 0,
                exponent: 0,
            };
        };
        let up = u128::from(self.mantissa % unit >= unit / 2);
        Self {
            mantissa: self.mantissa / unit + up,
            exponent,
            ..self
        }
    }

    /// The value with at most this many decimals, halves rounded to the even neighbour, as banks do.
    pub fn rounded_half_even(self, decimals: u32) -> Self {
        let down = Self {
            mantissa: self.rounded(decimals).mantissa.saturating_sub(1),
            exponent: -(decimals as i32),
            ..self
        };
        let up = self.rounded(decimals);
        let Some(digits) = u32::try_from(-(i64::from(self.exponent) + i64::from(decimals)))
            .ok()
            .and_then(|surplus| 10_u128.checked_pow(surplus))
            .filter(|unit| *unit > 1)
        else {
            return up;
        };
        let is_half = self.mantissa % digits == digits / 2;
        if is_half && !up.mantissa.is_multiple_of(2) {
            down
        } else {
            up
        }
    }

    /// The number without exponent and without needless zeros, such as `12.5` or `-3`.
    pub fn to_text(self) -> String {
        let mut number = self;
        if number.exponent < 0 {
            number = number.without_trailing_zeros();
        }
        number.plain_text()
    }

    /// The number with exactly this many decimals, such as `12.50`.
    pub fn to_text_fixed(self, decimals: u32) -> String {
        let mut text = self.rounded(decimals).to_text();
        if decimals == 0 {
            return text;
        }
        let written = text.split_once('.').map(|(_, fraction)| fraction.len());
        if written.is_none() {
            text.push('.');
        }
        let written = written.unwrap_or_default();
        text.extend(std::iter::repeat_n(
            '0',
            (decimals as usize).saturating_sub(written),
        ));
        text
    }

    fn plain_text(self) -> String {
        let mut digits = [0_u8; 40];
        let digits = write_digits(self.mantissa, &mut digits);
        let sign = if self.negative && self.mantissa != 0 {
            "-"
        } else {
            ""
        };
        let Ok(decimals @ 1..) = usize::try_from(-i64::from(self.exponent)) else {
            let zeros = if self.mantissa == 0 {
                0
            } else {
                self.exponent.unsigned_abs() as usize
            };
            if zeros == 0 {
                return [sign, digits].concat();
            }
            return [sign, digits, &"0".repeat(zeros)].concat();
        };
        match digits.len().checked_sub(decimals) {
            Some(whole @ 1..) => {
                let (whole, fraction) = digits.split_at(whole);
                [sign, whole, ".", fraction].concat()
            }
            _ => [sign, "0.", &"0".repeat(decimals - digits.len()), digits].concat(),
        }
    }

    fn without_trailing_zeros(mut self) -> Self {
        if self.mantissa == 0 {
            return Self {
                negative: false,
                mantissa: 0,
                exponent: 0,
            };
        }
        while self.mantissa.is_multiple_of(10) {
            self.mantissa /= 10;
            self.exponent += 1;
        }
        self
    }

    fn same_as(self, other: Self) -> bool {
        self.without_trailing_zeros() == other.without_trailing_zeros()
    }
}

fn write_digits(mut number: u128, buffer: &mut [u8; 40]) -> &str {
    let mut start = buffer.len();
    for place in buffer.iter_mut().rev() {
        // Division of 64 bits is much cheaper, and nearly every number has fewer.
        let digit;
        if let Ok(small) = u64::try_from(number) {
            (number, digit) = (u128::from(small / 10), (small % 10) as u8);
        } else {
            (number, digit) = (number / 10, (number % 10) as u8);
        }
        *place = b'0' + digit;
        start -= 1;
        if number == 0 {
            break;
        }
    }
    std::str::from_utf8(&buffer[start..]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (text, decimals, rounded) in [
            ("0.125", 2, "0.12"),
            ("0.135", 2, "0.14"),
            ("-0.125", 2, "-0.12"),
            ("0.1251", 2, "0.13"),
            ("0.124", 2, "0.12"),
            ("2.5", 0, "2"),
            ("3.5", 0, "4"),
            ("0.5", 0, "0"),
            ("12", 2, "12"),
            ("1e3", 2, "1000"),
            ("1e-60", 2, "0"),
        ] {
            let number = Decimal::parse(text).expect("is a number");
            assert_eq!(
                number.rounded_half_even(decimals).to_text(),
                rounded,
                "{text}"
            );
        }
    }

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("`{text}` is a number"))
    }

    #[test]
    fn text_is_plain_and_shortest() {
        let cases = [
            ("1500.00", "1500"),
            ("-0", "0"),
            ("+7", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("007", "7"),
            ("-0.0120", "-0.012"),
            ("1e3", "1000"),
            ("12E-4", "0.0012"),
            ("12345678901234567890123", "12345678901234567890123"),
        ];
        for (text, expected) in cases {
            assert_eq!(decimal(text).to_text(), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_decimal_number() {
        for text in [
            "", "-", ".", "1,5", "NaN", "inf", "0x10", "1 2", "1e", "1e999", "--1", "1e2.5",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(
            Decimal::parse(&"9".repeat(60)),
            None,
            "integer digits are never dropped"
        );
    }

    #[test]
    fn integers_are_exact_or_nothing() {
        assert_eq!(decimal("12.0").to_i64(), Some(12));
        assert_eq!(decimal("12.5").to_i64(), None);
        assert_eq!(decimal("9223372036854775807").to_i64(), Some(i64::MAX));
        assert_eq!(decimal("-9223372036854775808").to_i64(), Some(i64::MIN));
        assert_eq!(decimal("9223372036854775808").to_i64(), None);
        assert_eq!(decimal("1.2e3").to_i64(), Some(1200));
    }

    #[test]
    fn doubles_never_change_an_integer_digit() {
        assert_eq!(decimal("9007199254740993").to_f64(), None);
        assert_eq!(
            decimal("9007199254740992").to_f64(),
            Some(9_007_199_254_740_992.0)
        );
        assert_eq!(decimal("12345678901234567890").to_f64(), None);
        assert_eq!(decimal("1e300").to_f64(), Some(1e300));
        assert_eq!(decimal("1e340").to_f64(), None);
        let computed = "0.200000000000000011102230246251565404236316680908203125";
        assert_eq!(decimal(computed).to_f64(), Some(0.2));
        assert_eq!(
            decimal("0.3333333333333333333333").to_f64(),
            Some(1.0 / 3.0)
        );
    }

    #[test]
    fn scaling_is_decimal() {
        assert_eq!(
            decimal("0.1").times(decimal("100")).map(Decimal::to_text),
            Some("10".into())
        );
        assert_eq!(
            decimal("19.99").times(decimal("100")).map(Decimal::to_text),
            Some("1999".into())
        );
        let cents = decimal("1999").divided_by(decimal("100"));
        assert_eq!(cents.map(Decimal::to_text), Some("19.99".into()));
        let third = decimal("1")
            .divided_by(decimal("3"))
            .and_then(Decimal::to_f64);
        assert_eq!(third, Some(1.0 / 3.0));
        assert_eq!(decimal("1").divided_by(decimal("0")), None);
    }

    #[test]
    fn rounding_goes_away_from_zero_at_the_half() {
        let cases = [
            ("2.345", 2, "2.35"),
            ("-2.345", 2, "-2.35"),
            ("2.344", 2, "2.34"),
            ("7", 2, "7"),
        ];
        for (text, decimals, expected) in cases {
            assert_eq!(
                decimal(text).rounded(decimals).to_text(),
                expected,
                "{text}"
            );
        }
        assert_eq!(decimal("0.5").rounded(0).to_text(), "1");
        assert_eq!(decimal("12.5").to_text_fixed(2), "12.50");
        assert_eq!(decimal("12").to_text_fixed(2), "12.00");
        assert_eq!(decimal("1.999").to_text_fixed(0), "2");
    }

    proptest! {
        #[test]
        fn every_double_survives_as_text(bits: u64) {
            let value = f64::from_bits(bits);
            let Some(decimal) = Decimal::from_f64(value) else {
                prop_assert!(!value.is_finite());
                return Ok(());
            };
            let text = decimal.to_text();
            prop_assert!(!text.contains(['e', 'E']), "{}", text);
            prop_assert_eq!(text.parse::<f64>().ok(), Some(value));
            prop_assert_eq!(Decimal::parse(&text).and_then(Decimal::to_f64), Some(value));
        }

        #[test]
        fn hundredths_take_their_shortest_form(cents in -1_000_000_000_i64..1_000_000_000) {
            let value = cents as f64 / 100.0;
            let shortest = format!("{value}");
            prop_assert_eq!(Decimal::from_f64(value).map(Decimal::to_text), Some(shortest));
        }

        #[test]
        fn every_integer_survives(value: i64) {
            let text = Decimal::from_i64(value).to_text();
            prop_assert_eq!(&text, &value.to_string());
            prop_assert_eq!(Decimal::parse(&text).and_then(Decimal::to_i64), Some(value));
        }
    }
}
