use crate::record::names;
use std::fmt;

names! {
    /// A language of bills, letters and explanations.
    pub enum Language {
        /// Kazakh.
        Kazakh = "kk",
        /// Russian.
        Russian = "ru",
        /// English.
        English = "en",
    }
}

names! {
    /// A paragraph that shapes a charge. Its name is its id in files and reports.
    pub enum Rule {
        /// Cellular service rules, § 37.
        Cell37 = "CELL-37",
        /// Cellular service rules, § 38.
        Cell38 = "CELL-38",
        /// Cellular service rules, § 39.
        Cell39 = "CELL-39",
        /// Cellular service rules, § 41.
        Cell41 = "CELL-41",
        /// Cellular service rules, § 42.
        Cell42 = "CELL-42",
        /// Cellular service rules, § 43.
        Cell43 = "CELL-43",
        /// Cellular service rules, § 44.
        Cell44 = "CELL-44",
        /// Cellular service rules, § 47.
        Cell47 = "CELL-47",
        /// Cellular service rules, § 48.
        Cell48 = "CELL-48",
        /// The operator's guide, 16.1.
        Bt16_1 = "BT-16.1",
        /// The operator's guide, 16.2.
        Bt16_2 = "BT-16.2",
        /// Internet access rules, § 24, 5).
        Net24_1_5 = "NET-24.1.5",
    }
}

impl Rule {
    /// The id, `CELL-41`.
    pub const fn id(self) -> &'static str {
        self.name()
    }

    /// What the paragraph says, in one line.
    pub const fn meaning(self, language: Language) -> &'static str {
        let [kazakh, russian, english] = self.meanings();
        match language {
            Language::Kazakh => kazakh,
            Language::Russian => russian,
            Language::English => english,
        }
    }

    /// Kazakh, Russian, English.
    const fn meanings(self) -> [&'static str; 3] {
        match self {
            Self::Cell37 => [
                "бір тарифтік жоспарда баға барлығына бірдей",
                "на одном тарифном плане цены для всех одинаковы",
                "everyone on a plan pays the same prices",
            ],
            Self::Cell38 => [
                "резиденттер үшін баға теңгемен",
                "цены для резидентов назначаются в тенге",
                "residents' prices are in tenge",
            ],
            Self::Cell39 => [
                "төлемге тек оператордың өз биллинг деректері негіз болады",
                "основание для оплаты только данные биллинга самого оператора",
                "only the operator's own billing data grounds a payment",
            ],
            Self::Cell41 => [
                "уақыт жауаптан байланыс үзілгенге дейін есептеледі; автожауап пен факс жауапқа тең, желінің автожауабы тең емес",
                "время идёт от ответа до разъединения; автоответчик абонента и факс считаются ответом, автоответчик сети нет",
                "time runs from the answer to the release; a subscriber's machine or fax answers, the network's does not",
            ],
            Self::Cell42 => [
                "орнатылмаған, бос емес немесе қолжетімсіз нөмірге қосылу табысты болып саналмайды, ақы алынбайды",
                "соединение, которого не было, или с занятым либо недоступным номером неуспешно и не оплачивается",
                "a connection that was not made, or met a busy or unavailable number, is unsuccessful and free",
            ],
            Self::Cell43 => [
                "ұзақтық екі жақтың бірі бірінші үзгенде бітеді де, тарифтеу бірлігімен өлшенеді",
                "длительность кончается с первым отбоем любой стороны и считается в единицах тарификации",
                "the duration ends at the first release by either end and counts in tariff units",
            ],
            Self::Cell44 => [
                "құны есептік кезең бойы жинақталады",
                "стоимость накапливается за расчётный период",
                "what is used adds up over the billing period",
            ],
            Self::Cell47 => [
                "кредит тәсілі: алдымен пайдалану, ай сайын шот; абонент шығысқа шек қоя алады",
                "кредитный порядок: сначала услуги, счёт раз в месяц; абонент может ограничить исходящие",
                "credit method: use first, an invoice each month; the subscriber may limit outgoing usage",
            ],
            Self::Cell48 => [
                "аванс тәсілі: ақша біткенде байланыс үзіледі, үзілмесе артығы төленбейді; нақты уақытсыз роуминг бұған кірмейді",
                "авансовый порядок: с концом денег связь прерывают, иначе излишек не оплачивается; кроме роуминга не в реальном времени",
                "advance method: cut off when the money ends, else the excess is not owed; roaming not told in real time excepted",
            ],
            Self::Bt16_1 => [
                "ҚҚС шотқа кіреді; бюджеттік шотта ол төлемнен ұсталады",
                "НДС входит в счёт; у бюджетного счёта он вычитается из платежа",
                "VAT is part of the bill; for a budget account it is taken out of the payment",
            ],
            Self::Bt16_2 => [
                "қалааралық сөйлесу 10 секундтап, халықаралық минуттап есептеледі",
                "междугородные звонки считаются по 10 секунд, международные по минуте",
                "long-distance calls count by 10 seconds, international ones by the minute",
            ],
            Self::Net24_1_5 => [
                "интернет үшін абонент таңдайды: абоненттік төлем, уақыт немесе көлем бойынша",
                "интернет по выбору абонента: абонентская плата, по времени или по объёму",
                "internet by the subscriber's choice: a subscription, by time or by volume",
            ],
        }
    }
}

/// A set of [`Rule`]s, two bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct RuleSet(u16);

impl RuleSet {
    /// No rule.
    pub const NONE: Self = Self(0);

    /// This set and one more.
    #[must_use]
    pub const fn with(self, rule: Rule) -> Self {
        Self(self.0 | 1 << rule as u16)
    }

    /// As the journal keeps it.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// From what the journal keeps.
    pub const fn of_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Whether the rule is in it.
    pub const fn has(self, rule: Rule) -> bool {
        self.0 & 1 << rule as u16 != 0
    }

    /// No rule is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The rules in it, in the order of the list.
    pub fn iter(self) -> impl Iterator<Item = Rule> {
        Rule::ALL.iter().copied().filter(move |rule| self.has(*rule))
    }
}

/// Ids in the order of the list, joined with `;`: `CELL-41;CELL-43`.
impl fmt::Display for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, rule) in self.iter().enumerate() {
            if nth > 0 {
                f.write_str(";")?;
            }
            f.write_str(rule.id())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_line_in_each_language() {
        for rule in Rule::ALL {
            assert_eq!(Rule::parse(rule.id().as_bytes()), Some(*rule));
            for language in Language::ALL {
                let line = rule.meaning(*language);
                assert!((10..=130).contains(&line.chars().count()) && !line.contains('\n'), "{rule} {language}");
                let cyrillic = line.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c));
                assert_eq!(cyrillic, *language != Language::English, "{rule} {language}");
            }
        }
        assert!(Rule::Cell41.meaning(Language::English).contains("from the answer to the release"));
    }

    #[test]
    fn languages_are_three() {
        for (text, language) in [
            ("kk", Some(Language::Kazakh)),
            ("ru", Some(Language::Russian)),
            ("en", Some(Language::English)),
            ("kz", None),
            ("EN", None),
            ("", None),
        ] {
            assert_eq!(Language::parse(text.as_bytes()), language, "{text}");
        }
    }

    #[test]
    fn sets_of_rules_print_in_the_order_of_the_list() {
        let set = RuleSet::NONE.with(Rule::Net24_1_5).with(Rule::Cell41).with(Rule::Cell37).with(Rule::Cell41);
        assert_eq!(set.to_string(), "CELL-37;CELL-41;NET-24.1.5");
        assert_eq!((set.has(Rule::Cell37), set.has(Rule::Cell38)), (true, false));
        assert_eq!((RuleSet::NONE.to_string().as_str(), RuleSet::NONE.is_empty(), set.is_empty()), ("", true, false));
        let all = Rule::ALL.iter().fold(RuleSet::NONE, |set, rule| set.with(*rule));
        assert_eq!(all.iter().collect::<Vec<_>>(), Rule::ALL);
    }
}
