//! Given and family names of many languages, each in its own script.
//!
//! A name is written `Native` or `Native|Latin`: the Latin form goes into user names and mail addresses. Names in
//! Latin script need none, [`latin`] takes their accents away.

/// Which part of a name comes first when it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    GivenFirst,
    FamilyFirst,
    /// Family name first and no space between, as in Chinese and Korean.
    Joined,
}

/// Names that belong together.
#[derive(Debug)]
pub(crate) struct Culture {
    pub(crate) given: &'static [&'static str],
    pub(crate) family: &'static [&'static str],
    pub(crate) order: Order,
}

impl Culture {
    /// Whether its names may be combined with another culture's, as marriages do.
    pub(crate) fn mixes(&self) -> bool {
        self.order == Order::GivenFirst
    }
}

macro_rules! culture {
    ($order:ident, [$($given:literal),* $(,)?], [$($family:literal),* $(,)?]) => {
        Culture { given: &[$($given),*], family: &[$($family),*], order: Order::$order }
    };
}

#[rustfmt::skip]
pub(crate) static CULTURES: &[Culture] = &[
    culture!(GivenFirst,
        ["Harriet", "Oliver", "Imogen", "Callum", "Beatrice", "Rowan", "Nia", "Gethin", "Siobhán", "Eoin", "Freya", "Marcus"],
        ["Ashworth", "Pemberton", "O'Sullivan", "Hargreaves", "Llewellyn", "MacLeod", "Whitaker", "Fairclough", "Penrose", "Thistlewood"]),
    culture!(GivenFirst,
        ["Ada", "Chinedu", "Ngozi", "Emeka", "Folasade", "Tunde", "Yewande", "Ifeoma", "Babajide", "Amara", "Ṣadé", "Kẹ́hìndé"],
        ["Okafor", "Adeyemi", "Balogun", "Eze", "Nwosu", "Ogunleye", "Okonkwo", "Ọlátúnjí", "Abubakar", "Danjuma"]),
    culture!(GivenFirst,
        ["João", "Beatriz", "Inês", "Tomás", "Catarina", "Gonçalo", "Mafalda", "Duarte", "Leonor", "Simão", "Conceição", "Rui"],
        ["Gonçalves", "Magalhães", "Figueiredo", "Carvalho", "Simões", "Guimarães", "Pacheco", "Araújo", "Leitão", "de Sá"]),
    culture!(GivenFirst,
        ["Łukasz", "Małgorzata", "Zbigniew", "Agnieszka", "Wojciech", "Żaneta", "Stanisław", "Grażyna", "Bartłomiej", "Kinga", "Michał", "Jadwiga"],
        ["Wójcik", "Kamiński", "Dąbrowska", "Zieliński", "Wróbel", "Jabłońska", "Szczepański", "Błaszczyk", "Gołąb", "Źrebiec"]),
    culture!(GivenFirst,
        ["Ananya", "Rohan", "Lakshmi", "Vikram", "Meenakshi", "Arjun", "Kavya", "Suresh", "Divya", "Harish", "प्रिया|Priya", "अमित|Amit"],
        ["Iyer", "Deshpande", "Krishnamurthy", "Bhattacharya", "Reddy", "Chaudhary", "Venkataraman", "Nair", "शर्मा|Sharma", "वर्मा|Verma"]),
    culture!(FamilyFirst,
        ["さくら|Sakura", "健太|Kenta", "美咲|Misaki", "大輔|Daisuke", "陽子|Yoko", "拓海|Takumi", "千尋|Chihiro", "直樹|Naoki", "恵|Megumi", "翔|Sho"],
        ["佐藤|Sato", "高橋|Takahashi", "渡辺|Watanabe", "小林|Kobayashi", "中村|Nakamura", "斎藤|Saito", "清水|Shimizu", "森田|Morita", "大野|Ono"]),
    culture!(Joined,
        ["秀英|Xiuying", "伟|Wei", "芳|Fang", "志强|Zhiqiang", "丽娜|Lina", "建国|Jianguo", "雪|Xue", "浩然|Haoran", "欣怡|Xinyi", "磊|Lei"],
        ["王|Wang", "李|Li", "张|Zhang", "陈|Chen", "赵|Zhao", "黄|Huang", "周|Zhou", "徐|Xu", "欧阳|Ouyang"]),
    culture!(Joined,
        ["민준|Minjun", "서연|Seoyeon", "지훈|Jihun", "하은|Haeun", "도윤|Doyun", "수빈|Subin", "예진|Yejin", "현우|Hyunwoo"],
        ["김|Kim", "이|Lee", "박|Park", "최|Choi", "정|Jung", "강|Kang", "윤|Yoon", "임|Lim"]),
    culture!(GivenFirst,
        ["Mateo", "Ximena", "Santiago", "Guadalupe", "Íñigo", "Lucía", "Joaquín", "Inmaculada", "Ángel", "Belén", "Renata", "Efraín"],
        ["Muñoz", "Ibáñez", "Castañeda", "Gutiérrez", "Ordóñez", "Villaseñor", "Peñaloza", "Domínguez", "Quiñones", "del Río"]),
    culture!(GivenFirst,
        ["Björn", "Åsa", "Søren", "Kjersti", "Øyvind", "Ásgeir", "Linnéa", "Sølvi", "Anders", "Þóra", "Mikko", "Päivi"],
        ["Lindqvist", "Sjöberg", "Østergaard", "Håkonsen", "Nyström", "Guðmundsdóttir", "Ångström", "Kjær", "Mäkinen", "Hämäläinen"]),
    culture!(GivenFirst,
        ["Jürgen", "Käthe", "Matthias", "Annegret", "Günther", "Friederike", "Jörg", "Liesel", "Maximilian", "Heike"],
        ["Müller", "Schäfer", "Großmann", "Krüger", "Weißenfels", "Böttcher", "von der Heide", "Jäger", "Süßmilch", "Vogelsang"]),
    culture!(GivenFirst,
        ["Zoé", "François", "Hélène", "Benoît", "Gaëlle", "Loïc", "Anaïs", "Étienne", "Maëlys", "Cédric"],
        ["Lefèvre", "Désormeaux", "Château", "Géraud", "L'Hôpital", "Beauséjour", "Noël", "Dubœuf", "Françoise", "Périgord"]),
    culture!(GivenFirst,
        ["Ayşe", "Oğuzhan", "Çağla", "İbrahim", "Şebnem", "Gökhan", "Büşra", "Ümit", "Işıl", "Tuğba"],
        ["Yılmaz", "Öztürk", "Çelik", "Şahin", "Kılıç", "Doğan", "Güneş", "Erdoğdu", "Aydın", "Karagöz"]),
    culture!(GivenFirst,
        ["Олена|Olena", "Дмитро|Dmytro", "Світлана|Svitlana", "Андрій|Andrii", "Наталія|Nataliia", "Тарас|Taras", "Оксана|Oksana", "Богдан|Bohdan"],
        ["Шевченко|Shevchenko", "Коваленко|Kovalenko", "Бондаренко|Bondarenko", "Мельник|Melnyk", "Гончар|Honchar", "Лисенко|Lysenko", "Савчук|Savchuk"]),
    culture!(GivenFirst,
        ["ليلى|Layla", "عمر|Omar", "فاطمة|Fatima", "يوسف|Youssef", "نور|Nour", "خالد|Khaled", "مريم|Maryam", "طارق|Tariq"],
        ["الحسن|Alhassan", "منصور|Mansour", "حداد|Haddad", "الخطيب|Alkhatib", "نجار|Najjar", "عباس|Abbas", "صباغ|Sabbagh"]),
    culture!(GivenFirst,
        ["Nguyệt", "Thảo", "Đức", "Hương", "Quốc", "Ánh", "Tuấn", "Phượng", "Khánh", "Bảo"],
        ["Nguyễn", "Trần", "Phạm", "Đặng", "Võ", "Bùi", "Hồ", "Lý", "Đỗ", "Huỳnh"]),
    culture!(GivenFirst,
        ["Ελένη|Eleni", "Νίκος|Nikos", "Μαρία|Maria", "Γιάννης|Giannis", "Σοφία|Sofia", "Στέλιος|Stelios"],
        ["Παπαδόπουλος|Papadopoulos", "Οικονόμου|Oikonomou", "Νικολάου|Nikolaou", "Γεωργίου|Georgiou", "Βασιλείου|Vasileiou"]),
    culture!(GivenFirst,
        ["Noa", "Kāwika", "Aroha", "Tāne", "Mele", "Hēmi", "Sione", "Lupe"],
        ["Kahananui", "Tūhoe", "Fonoti", "Parata", "Tamatoa", "Kealoha", "Whāngārā"]),
];

/// The native and the Latin form of a name.
pub(crate) fn forms(name: &'static str) -> (&'static str, &'static str) {
    name.split_once('|').unwrap_or((name, name))
}

/// A name as it stands in a mail address: lower-case ASCII letters only.
pub(crate) fn latin(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            text.push(character);
        } else {
            text.push_str(plain(character));
        }
    }
    text
}

/// Accented letters and what stands for them in ASCII.
#[rustfmt::skip]
static LETTERS: &[(&str, &str)] = &[
    ("áàâãåāąảạấầẩậặ", "a"), ("äæ", "ae"), ("çćč", "c"), ("đð", "d"), ("éèêëēęẹếềễệ", "e"), ("ğ", "g"), ("íìîïıī", "i"),
    ("ł", "l"), ("ñńǹ", "n"), ("óòôõọốồỗộơợ", "o"), ("öøœ", "oe"), ("śşṣš", "s"), ("ß", "ss"), ("þ", "th"),
    ("úùûūụưứữ", "u"), ("ü", "ue"), ("ýỳ", "y"), ("źżž", "z"),
];

/// The ASCII letters for an accented one; nothing for what is no letter here.
fn plain(character: char) -> &'static str {
    let row = LETTERS
        .iter()
        .find(|(letters, _)| letters.contains(character));
    row.map_or("", |(_, ascii)| ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_latin_form() {
        for culture in CULTURES {
            for name in culture.given.iter().chain(culture.family) {
                let (native, text) = forms(name);
                let letters = text.chars().filter(|character| character.is_alphabetic());
                assert!(!native.is_empty());
                assert!(
                    latin(text).len() >= letters.count(),
                    "{name} lost letters: {}",
                    latin(text)
                );
            }
        }
    }

    #[test]
    fn accents_and_marks_go() {
        for (name, expected) in [
            ("Großmann", "grossmann"),
            ("O'Sullivan", "osullivan"),
            ("von der Heide", "vonderheide"),
            ("İbrahim", "ibrahim"),
            ("Nguyễn", "nguyen"),
            ("Þóra", "thora"),
        ] {
            assert_eq!(latin(name), expected);
        }
    }
}
