//! Time zones by the names that the designer of Logic Apps offers, and by those of IANA.

use super::{assert_errors, assert_values, evaluate};

/// Names that end with ` Standard Time`.
const STANDARD: &str = "Dateline, Aleutian, Hawaiian, Marquesas, Alaskan, Pacific, US Mountain, Mountain, Central America, \
    Central, Easter Island, Canada Central, SA Pacific, Eastern, Haiti, Cuba, US Eastern, Turks And Caicos, Paraguay, \
    Atlantic, Venezuela, Central Brazilian, SA Western, Pacific SA, Newfoundland, Tocantins, E. South America, SA Eastern, \
    Argentina, Greenland, Montevideo, Saint Pierre, Bahia, Mid-Atlantic, Azores, Cape Verde, Morocco, GMT, Greenwich, \
    W. Europe, Central Europe, Romance, Central European, W. Central Africa, Namibia, Jordan, GTB, Middle East, Egypt, \
    E. Europe, Syria, West Bank, South Africa, FLE, Turkey, Israel, Kaliningrad, Libya, Arabic, Arab, Belarus, Russian, \
    E. Africa, Iran, Arabian, Astrakhan, Azerbaijan, Mauritius, Georgian, Caucasus, Afghanistan, West Asia, Ekaterinburg, \
    Pakistan, India, Sri Lanka, Nepal, Central Asia, Bangladesh, N. Central Asia, Altai, W. Mongolia, Tomsk, Myanmar, \
    SE Asia, North Asia, China, North Asia East, Singapore, W. Australia, Taipei, Ulaanbaatar, North Korea, \
    Aus Central W., Transbaikal, Tokyo, Korea, Yakutsk, Cen. Australia, AUS Central, E. Australia, AUS Eastern, \
    West Pacific, Tasmania, Vladivostok, Lord Howe, Bougainville, Magadan, Norfolk, Sakhalin, Central Pacific, \
    New Zealand, Fiji, Kamchatka, Chatham Islands, Tonga, Samoa, Line Islands";

/// Names that are whole.
const WHOLE: &str = "UTC, UTC-11, UTC-09, UTC-08, UTC-02, UTC+12, Pacific Standard Time (Mexico), \
    Mountain Standard Time (Mexico), Central Standard Time (Mexico), Eastern Standard Time (Mexico), Russia Time Zone 3, \
    Russia Time Zone 10, Russia Time Zone 11";

#[test]
fn every_zone_of_the_designer_is_known() {
    let standard = STANDARD.split(", ").map(|name| format!("{name} Standard Time"));
    let names = standard.chain(WHOLE.split(", ").map(str::to_owned));
    for name in names {
        let there = evaluate(&format!("@convertFromUtc('2026-01-15T12:00:00Z', '{name}', 's')")).expect(&name);
        let there = there.to_text();
        let back = evaluate(&format!("@convertToUtc('{there}', '{name}')"));
        let back = back.map(|value| value.to_text());
        assert_eq!(back.as_deref(), Ok("2026-01-15T12:00:00.0000000Z"), "{name}");
    }
}

#[test]
fn clocks_follow_the_rules_of_their_zone() {
    assert_values(&[
        (
            "@convertFromUtc('2026-07-01T12:00:00Z', 'W. Europe Standard Time', 'HH:mm')",
            r#""14:00""#,
        ),
        (
            "@convertFromUtc('2026-01-01T12:00:00Z', 'W. Europe Standard Time', 'HH:mm')",
            r#""13:00""#,
        ),
        (
            "@convertFromUtc('2026-07-01T12:00:00Z', 'india standard time', 'HH:mm')",
            r#""17:30""#,
        ),
        (
            "@convertFromUtc('2026-07-01T12:00:00Z', 'America/New_York', 'HH:mm')",
            r#""08:00""#,
        ),
        (
            "@convertFromUtc('2026-07-01T12:00:00Z', 'US Mountain Standard Time', 'HH:mm')",
            r#""05:00""#,
        ),
        (
            "@convertFromUtc('2026-07-01T12:00:00Z', 'UTC')",
            r#""2026-07-01T12:00:00.0000000Z""#,
        ),
        // An hour that clocks show twice is taken as standard time.
        (
            "@convertToUtc('2018-11-04T01:30:00', 'Pacific Standard Time', 'HH:mm')",
            r#""09:30""#,
        ),
        (
            "@convertTimeZone('2026-12-31T23:30:00', 'Tokyo Standard Time', 'Hawaiian Standard Time', 's')",
            r#""2026-12-31T04:30:00""#,
        ),
    ]);
    assert_errors(&[
        (
            "@convertToUtc('2018-03-11T02:30:00', 'Pacific Standard Time')",
            "does not exist",
        ),
        ("@convertFromUtc('2026-01-01', '')", "time zone ''"),
        ("@convertFromUtc('2026-01-01', 'W. Europe')", "time zone 'W. Europe'"),
        (
            "@convertFromUtc('0001-01-01T00:00:00Z', 'Pacific Standard Time')",
            "years 1 and 9999",
        ),
    ]);
}
