//! Cultures: how numbers and dates are written in a language, as far as .NET's formats ask for it.

/// A culture.
#[derive(Debug, PartialEq)]
pub(super) struct Locale {
    /// Its names in lower case: the language, or language and region. A language stands for all its regions that have
    /// no row of their own.
    names: &'static [&'static str],
    /// The decimal separator.
    pub decimal: char,
    /// The group separator.
    pub group: char,
    /// Currency: symbol, whether it stands before the number, whether a space stands between.
    pub currency: (&'static str, bool, bool),
    /// How many digits an amount of money has behind the separator.
    pub currency_digits: usize,
    /// Names of months and days and patterns of dates.
    pub dates: &'static DateNames,
}

/// How a language writes dates.
#[derive(Debug, PartialEq)]
pub(super) struct DateNames {
    /// January first.
    pub months: [&'static str; 12],
    /// January first.
    pub short_months: [&'static str; 12],
    /// Sunday first.
    pub days: [&'static str; 7],
    /// Sunday first.
    pub short_days: [&'static str; 7],
    /// Before noon and after.
    pub designators: [&'static str; 2],
    /// Pattern of `d`.
    pub short_date: &'static str,
    /// Pattern of `D`.
    pub long_date: &'static str,
    /// Pattern of `t`.
    pub short_time: &'static str,
    /// Pattern of `T`.
    pub long_time: &'static str,
    /// Pattern of `M`.
    pub month_day: &'static str,
    /// Pattern of `Y`.
    pub year_month: &'static str,
}

impl Locale {
    /// The invariant culture, which is named by an empty text.
    pub fn invariant() -> &'static Self {
        &INVARIANT
    }

    /// The culture en-US, the default of the workflow language.
    pub fn us() -> &'static Self {
        &US
    }

    /// The culture of this name, in any case.
    pub fn find(name: &str) -> Option<&'static Self> {
        let name = name.to_ascii_lowercase().replace('_', "-");
        let language = name.split('-').next().unwrap_or_default();
        let named = |wanted: &str| {
            let mut all = [&INVARIANT, &US].into_iter().chain(LOCALES);
            all.find(|locale| locale.names.contains(&wanted))
        };
        named(&name).or_else(|| named(language))
    }

    /// Whether the culture writes the day before the month.
    pub fn day_first(&self) -> bool {
        self.dates.short_date.starts_with('d')
    }

    /// The text for infinity.
    pub fn infinity(&self) -> &'static str {
        if self == &INVARIANT { "Infinity" } else { "∞" }
    }
}

static INVARIANT: Locale = Locale {
    names: &[""],
    decimal: '.',
    group: ',',
    currency: ("¤", true, false),
    currency_digits: 2,
    dates: &DateNames {
        short_date: "MM/dd/yyyy",
        long_date: "dddd, dd MMMM yyyy",
        short_time: "HH:mm",
        long_time: "HH:mm:ss",
        month_day: "MMMM dd",
        year_month: "yyyy MMMM",
        ..ENGLISH
    },
};

const fn locale(
    names: &'static [&'static str],
    separators: (char, char),
    currency: (&'static str, bool, bool),
    dates: &'static DateNames,
) -> Locale {
    Locale {
        names,
        decimal: separators.0,
        group: separators.1,
        currency,
        currency_digits: 2,
        dates,
    }
}

/// The culture with money that is counted in whole units.
const fn whole_currency(locale: Locale) -> Locale {
    Locale {
        currency_digits: 0,
        ..locale
    }
}

static US: Locale = locale(&["en", "en-us"], ('.', ','), ("$", true, false), &ENGLISH);

const NARROW_SPACE: char = '\u{202f}';
const SPACE: char = '\u{a0}';
const EURO: (&str, bool, bool) = ("€", false, true);

/// The other cultures; a whole name is looked for before its language, so their order does not matter.
static LOCALES: &[Locale] = &[
    locale(&["en-gb"], ('.', ','), ("£", true, false), &BRITISH),
    locale(&["en-au", "en-nz"], ('.', ','), ("$", true, false), &AUSTRALIAN),
    locale(&["en-ca"], ('.', ','), ("$", true, false), &CANADIAN),
    locale(&["en-ie"], ('.', ','), ("€", true, false), &BRITISH),
    locale(&["en-in"], ('.', ','), ("₹", true, false), &BRITISH),
    locale(&["de"], (',', '.'), EURO, &GERMAN),
    locale(&["de-ch"], ('.', '’'), ("CHF", true, true), &GERMAN),
    locale(&["fr"], (',', NARROW_SPACE), EURO, &FRENCH),
    locale(&["fr-ca"], (',', SPACE), ("$", false, true), &FRENCH),
    locale(&["es"], (',', '.'), EURO, &SPANISH),
    locale(&["es-mx"], ('.', ','), ("$", true, false), &SPANISH),
    locale(&["it"], (',', '.'), EURO, &ITALIAN),
    locale(&["pt"], (',', '.'), ("R$", true, true), &PORTUGUESE),
    locale(&["pt-pt"], (',', SPACE), EURO, &PORTUGUESE),
    locale(&["nl"], (',', '.'), ("€", true, true), &DUTCH),
    locale(&["sv"], (',', SPACE), ("kr", false, true), &SWEDISH),
    locale(&["da"], (',', '.'), ("kr.", false, true), &DANISH),
    locale(&["nb", "no", "nn"], (',', SPACE), ("kr", false, true), &NORWEGIAN),
    whole_currency(locale(&["is"], (',', '.'), ("kr", false, true), &DANISH)),
    locale(&["pl"], (',', SPACE), ("zł", false, true), &POLISH),
    locale(&["ru"], (',', SPACE), ("₽", false, true), &RUSSIAN),
    locale(&["tr"], (',', '.'), ("₺", true, false), &TURKISH),
    whole_currency(locale(&["ja"], ('.', ','), ("¥", true, false), &JAPANESE)),
    locale(&["zh"], ('.', ','), ("¥", true, false), &CHINESE),
    whole_currency(locale(&["ko"], ('.', ','), ("₩", true, false), &KOREAN)),
];

const ENGLISH: DateNames = DateNames {
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    short_months: [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ],
    days: [
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
    ],
    short_days: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
    designators: ["AM", "PM"],
    short_date: "M/d/yyyy",
    long_date: "dddd, MMMM d, yyyy",
    short_time: "h:mm tt",
    long_time: "h:mm:ss tt",
    month_day: "MMMM d",
    year_month: "MMMM yyyy",
};

const BRITISH: DateNames = DateNames {
    short_date: "dd/MM/yyyy",
    long_date: "dddd, d MMMM yyyy",
    short_time: "HH:mm",
    long_time: "HH:mm:ss",
    month_day: "d MMMM",
    ..ENGLISH
};

const JAPANESE: DateNames = DateNames {
    months: [
        "1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月",
    ],
    short_months: [
        "1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月",
    ],
    days: ["日曜日", "月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日"],
    short_days: ["日", "月", "火", "水", "木", "金", "土"],
    designators: ["午前", "午後"],
    short_date: "yyyy/MM/dd",
    long_date: "yyyy'年'M'月'd'日'dddd",
    short_time: "H:mm",
    long_time: "H:mm:ss",
    month_day: "M'月'd'日'",
    year_month: "yyyy'年'M'月'",
};

const CHINESE: DateNames = DateNames {
    months: [
        "一月",
        "二月",
        "三月",
        "四月",
        "五月",
        "六月",
        "七月",
        "八月",
        "九月",
        "十月",
        "十一月",
        "十二月",
    ],
    short_months: [
        "1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月",
    ],
    days: ["星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"],
    short_days: ["周日", "周一", "周二", "周三", "周四", "周五", "周六"],
    designators: ["上午", "下午"],
    short_date: "yyyy/M/d",
    long_date: "yyyy'年'M'月'd'日'dddd",
    short_time: "HH:mm",
    long_time: "HH:mm:ss",
    month_day: "M'月'd'日'",
    year_month: "yyyy'年'M'月'",
};

const KOREAN: DateNames = DateNames {
    months: [
        "1월", "2월", "3월", "4월", "5월", "6월", "7월", "8월", "9월", "10월", "11월", "12월",
    ],
    short_months: [
        "1월", "2월", "3월", "4월", "5월", "6월", "7월", "8월", "9월", "10월", "11월", "12월",
    ],
    days: ["일요일", "월요일", "화요일", "수요일", "목요일", "금요일", "토요일"],
    short_days: ["일", "월", "화", "수", "목", "금", "토"],
    designators: ["오전", "오후"],
    short_date: "yyyy. M. d.",
    long_date: "yyyy'년' M'월' d'일' dddd",
    short_time: "tt h:mm",
    long_time: "tt h:mm:ss",
    month_day: "M'월' d'일'",
    year_month: "yyyy'년' M'월'",
};

const RUSSIAN: DateNames = DateNames {
    months: [
        "января",
        "февраля",
        "марта",
        "апреля",
        "мая",
        "июня",
        "июля",
        "августа",
        "сентября",
        "октября",
        "ноября",
        "декабря",
    ],
    short_months: [
        "янв.",
        "февр.",
        "мар.",
        "апр.",
        "мая",
        "июн.",
        "июл.",
        "авг.",
        "сент.",
        "окт.",
        "нояб.",
        "дек.",
    ],
    days: [
        "воскресенье",
        "понедельник",
        "вторник",
        "среда",
        "четверг",
        "пятница",
        "суббота",
    ],
    short_days: ["вс", "пн", "вт", "ср", "чт", "пт", "сб"],
    short_date: "dd.MM.yyyy",
    long_date: "dddd, d MMMM yyyy 'г'.",
    year_month: "MMMM yyyy 'г'.",
    ..BRITISH
};

const TURKISH: DateNames = DateNames {
    months: [
        "Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık",
    ],
    short_months: [
        "Oca", "Şub", "Mar", "Nis", "May", "Haz", "Tem", "Ağu", "Eyl", "Eki", "Kas", "Ara",
    ],
    days: [
        "Pazar",
        "Pazartesi",
        "Salı",
        "Çarşamba",
        "Perşembe",
        "Cuma",
        "Cumartesi",
    ],
    short_days: ["Paz", "Pzt", "Sal", "Çar", "Per", "Cum", "Cmt"],
    short_date: "d.MM.yyyy",
    long_date: "d MMMM yyyy dddd",
    ..BRITISH
};

const AUSTRALIAN: DateNames = DateNames {
    short_date: "d/MM/yyyy",
    short_time: "h:mm tt",
    long_time: "h:mm:ss tt",
    ..BRITISH
};

const CANADIAN: DateNames = DateNames {
    short_date: "yyyy-MM-dd",
    ..ENGLISH
};

const GERMAN: DateNames = DateNames {
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    short_months: [
        "Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez",
    ],
    days: [
        "Sonntag",
        "Montag",
        "Dienstag",
        "Mittwoch",
        "Donnerstag",
        "Freitag",
        "Samstag",
    ],
    short_days: ["So", "Mo", "Di", "Mi", "Do", "Fr", "Sa"],
    short_date: "dd.MM.yyyy",
    long_date: "dddd, d. MMMM yyyy",
    month_day: "d. MMMM",
    ..BRITISH
};

const FRENCH: DateNames = DateNames {
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    short_months: [
        "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.",
    ],
    days: ["dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"],
    short_days: ["dim.", "lun.", "mar.", "mer.", "jeu.", "ven.", "sam."],
    long_date: "dddd d MMMM yyyy",
    ..BRITISH
};

const SPANISH: DateNames = DateNames {
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    short_months: [
        "ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic",
    ],
    days: ["domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"],
    short_days: ["dom", "lun", "mar", "mié", "jue", "vie", "sáb"],
    designators: ["AM", "PM"],
    short_date: "d/M/yyyy",
    long_date: "dddd, d 'de' MMMM 'de' yyyy",
    short_time: "H:mm",
    long_time: "H:mm:ss",
    month_day: "d 'de' MMMM",
    year_month: "MMMM 'de' yyyy",
};

const ITALIAN: DateNames = DateNames {
    months: [
        "gennaio",
        "febbraio",
        "marzo",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "agosto",
        "settembre",
        "ottobre",
        "novembre",
        "dicembre",
    ],
    short_months: [
        "gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic",
    ],
    days: [
        "domenica",
        "lunedì",
        "martedì",
        "mercoledì",
        "giovedì",
        "venerdì",
        "sabato",
    ],
    short_days: ["dom", "lun", "mar", "mer", "gio", "ven", "sab"],
    long_date: "dddd d MMMM yyyy",
    ..BRITISH
};

const PORTUGUESE: DateNames = DateNames {
    months: [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
    short_months: [
        "jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez.",
    ],
    days: [
        "domingo",
        "segunda-feira",
        "terça-feira",
        "quarta-feira",
        "quinta-feira",
        "sexta-feira",
        "sábado",
    ],
    short_days: ["dom.", "seg.", "ter.", "qua.", "qui.", "sex.", "sáb."],
    long_date: "dddd, d 'de' MMMM 'de' yyyy",
    month_day: "d 'de' MMMM",
    year_month: "MMMM 'de' yyyy",
    ..BRITISH
};

const DUTCH: DateNames = DateNames {
    months: [
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ],
    short_months: [
        "jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec",
    ],
    days: [
        "zondag",
        "maandag",
        "dinsdag",
        "woensdag",
        "donderdag",
        "vrijdag",
        "zaterdag",
    ],
    short_days: ["zo", "ma", "di", "wo", "do", "vr", "za"],
    short_date: "dd-MM-yyyy",
    long_date: "dddd d MMMM yyyy",
    ..BRITISH
};

const SWEDISH: DateNames = DateNames {
    months: [
        "januari",
        "februari",
        "mars",
        "april",
        "maj",
        "juni",
        "juli",
        "augusti",
        "september",
        "oktober",
        "november",
        "december",
    ],
    short_months: [
        "jan.", "feb.", "mars", "apr.", "maj", "juni", "juli", "aug.", "sep.", "okt.", "nov.", "dec.",
    ],
    days: ["söndag", "måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag"],
    short_days: ["sön", "mån", "tis", "ons", "tors", "fre", "lör"],
    short_date: "yyyy-MM-dd",
    long_date: "dddd d MMMM yyyy",
    ..BRITISH
};

const DANISH: DateNames = DateNames {
    months: [
        "januar",
        "februar",
        "marts",
        "april",
        "maj",
        "juni",
        "juli",
        "august",
        "september",
        "oktober",
        "november",
        "december",
    ],
    short_months: [
        "jan.", "feb.", "mar.", "apr.", "maj", "jun.", "jul.", "aug.", "sep.", "okt.", "nov.", "dec.",
    ],
    days: ["søndag", "mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag"],
    short_days: ["sø", "ma", "ti", "on", "to", "fr", "lø"],
    short_date: "dd.MM.yyyy",
    long_date: "dddd 'den' d. MMMM yyyy",
    month_day: "d. MMMM",
    ..BRITISH
};

const NORWEGIAN: DateNames = DateNames {
    months: [
        "januar",
        "februar",
        "mars",
        "april",
        "mai",
        "juni",
        "juli",
        "august",
        "september",
        "oktober",
        "november",
        "desember",
    ],
    short_months: [
        "jan.", "feb.", "mars", "apr.", "mai", "juni", "juli", "aug.", "sep.", "okt.", "nov.", "des.",
    ],
    days: ["søndag", "mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag"],
    short_days: ["søn.", "man.", "tir.", "ons.", "tor.", "fre.", "lør."],
    short_date: "dd.MM.yyyy",
    long_date: "dddd d. MMMM yyyy",
    month_day: "d. MMMM",
    ..BRITISH
};

const POLISH: DateNames = DateNames {
    months: [
        "stycznia",
        "lutego",
        "marca",
        "kwietnia",
        "maja",
        "czerwca",
        "lipca",
        "sierpnia",
        "września",
        "października",
        "listopada",
        "grudnia",
    ],
    short_months: [
        "sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "paź", "lis", "gru",
    ],
    days: [
        "niedziela",
        "poniedziałek",
        "wtorek",
        "środa",
        "czwartek",
        "piątek",
        "sobota",
    ],
    short_days: ["niedz.", "pon.", "wt.", "śr.", "czw.", "pt.", "sob."],
    short_date: "dd.MM.yyyy",
    long_date: "dddd, d MMMM yyyy",
    ..BRITISH
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_falls_back_to_its_language() {
        assert_eq!(Locale::find("DE-at").map(|locale| locale.decimal), Some(','));
        assert_eq!(Locale::find("de-CH").map(|locale| locale.decimal), Some('.'));
        assert_eq!(Locale::find("").map(Locale::infinity), Some("Infinity"));
        assert_eq!(Locale::find("xx-yy"), None);
    }
}
