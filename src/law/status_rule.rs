use super::Language;
use crate::record::names;

names! {
    /// A paragraph that shapes the life of a personal account. Its name is its id in files and reports.
    ///
    /// Apart from [`Rule`](super::Rule), which a charge carries as bits in the journal.
    pub enum StatusRule {
        /// Hopeless debt is what the commission recognised, kept off-balance for five years.
        Pa3_5 = "PA-3.5",
        /// Debt is overdue from the day after the due date.
        Pa3_24 = "PA-3.24",
        /// Debt that is left when the contract ends is doubtful.
        Pa3_29 = "PA-3.29",
        /// An account is new until the end of the period in which it was opened, then current.
        Pa4_1 = "PA-4.1",
        /// A current account is connected and charged for; orders only without debt and penalty.
        Pa4_2 = "PA-4.2",
        /// A closed account owes nothing; thirty days to come back, then the archive.
        Pa4_3 = "PA-4.3",
        /// An archived account takes neither services, orders nor payments, and is never reopened.
        Pa4_4 = "PA-4.4",
        /// Overdue: not paid by the 25th of the month after the service; no orders, no payer.
        Pa4_5 = "PA-4.5",
        /// Disconnected for debt until it is paid or an agreement is signed, else closed as doubtful.
        Pa4_6 = "PA-4.6",
        /// Closed with doubtful debt: the claims package goes out; hopeless debt is written off.
        Pa4_7 = "PA-4.7",
        /// Written-off debt: closed once paid or after five years; the archive when it was fraud.
        Pa4_8 = "PA-4.8",
        /// Closed with a credit balance: back within 12 months, movable to 3 years, then doubtful.
        Pa4_9 = "PA-4.9",
        /// A doubtful credit balance is written off, and the account goes to the archive.
        Pa4_10 = "PA-4.10",
        /// There are ten statuses, and no other may exist.
        Pa5 = "PA-5",
        /// Who may have a new account: a client without one, a tenant, a part-owner, a new owner.
        Pa8 = "PA-8",
        /// A tenant beside the owner pays in advance.
        Pa8_2 = "PA-8.2",
        /// A part-owner or registered resident is confirmed by an address certificate.
        Pa8_3 = "PA-8.3",
        /// The former owner's debt is worked off with the former owner.
        Pa8_4 = "PA-8.4",
        /// Who does not own the premises pays in advance and shows a document of right.
        Pa9 = "PA-9",
        /// An advance account of a tenant is marked guaranteed advance and tenant.
        Pa10 = "PA-10",
        /// A second account at an address under another IIN: re-registration, documents, permission.
        Pa11 = "PA-11",
        /// One IIN: accounts at different addresses, never two at one.
        Pa12 = "PA-12",
        /// A credit balance moves to a new account or card on a written application.
        Pa13 = "PA-13",
        /// The client is looked up by IIN and name; debts are told, accounts merged under one IIN.
        Pa14 = "PA-14",
        /// After the period is closed segment, user group and funding are not edited by the front.
        Pa15 = "PA-15",
        /// A change of segment: the balance moves, the account closes, another opens at once.
        Pa16 = "PA-16",
        /// Segment, group and funding change centrally, on the commercial director's letter.
        Pa17 = "PA-17",
        /// The papers and scans of a new account.
        Pa18 = "PA-18",
        /// Refusal in writing; the removal order closes not later than the day refused from.
        Pa19 = "PA-19",
        /// The contract ends on the day when the removal order closes.
        Pa20 = "PA-20",
        /// Equipment is marked handed in, or not handed in with its cost.
        Pa21 = "PA-21",
        /// The papers of a closing without debt.
        Pa22 = "PA-22",
        /// An account disconnected for debt closes on the day when services are really removed.
        Pa23 = "PA-23",
        /// The removal order closes no earlier than 30 days after the pre-trial notice was received.
        Pa24 = "PA-24",
        /// Closing for debt: the contract ends on the day when the removal order closes.
        Pa25 = "PA-25",
        /// The papers of a closing with debt.
        Pa26 = "PA-26",
        /// Missing papers of the personal file are completed.
        Pa27 = "PA-27",
        /// A new owner: full papers, and the deposit if in advance.
        Pa28 = "PA-28",
        /// The former owner applies: re-registered without dismantling.
        Pa29 = "PA-29",
        /// Without the former owner's application: no debt and no data at another address.
        Pa30 = "PA-30",
        /// The former owner's debt stays on the former account.
        Pa31 = "PA-31",
        /// A move: full papers, and the deposit if in advance.
        Pa33 = "PA-33",
        /// Fibre to fibre, copper to copper, copper and fibre to fibre.
        Pa39 = "PA-39",
        /// Services move only within one settlement.
        Pa40 = "PA-40",
        /// The new address goes on the subscriber's card.
        Pa41 = "PA-41",
        /// A move takes at most two working days from the application.
        Pa42 = "PA-42",
        /// A move that is impossible technically is told, and another offer made.
        Pa43 = "PA-43",
        /// Personal data change only on the subscriber's application.
        Pa46 = "PA-46",
        /// A known IIN gets the account and contract, an unknown one is edited on the card.
        Pa48 = "PA-48",
        /// Scans of the new documents are attached.
        Pa49 = "PA-49",
        /// A change of the card is dated as the application.
        Pa50 = "PA-50",
        /// Fraud: a second account where the subscriber has a current one.
        Pa51_2 = "PA-51.2",
        /// Fraud: several accounts of one IIN at one address.
        Pa51_3 = "PA-51.3",
        /// Fraud: a new account where only the technology changed.
        Pa51_4 = "PA-51.4",
        /// Fraud: a new account for a move within the settlement or for changed personal data.
        Pa51_5 = "PA-51.5",
        /// Fraud: a new account while the person has overdue, doubtful or written-off debt.
        Pa51_6 = "PA-51.6",
        /// Fraud: services added to a new account while another account has such debt.
        Pa51_7 = "PA-51.7",
        /// Once a month a control list of mismatched statuses.
        Pa57 = "PA-57",
        /// On termination the rest of the balance is returned within 30 calendar days.
        Cell48 = "CELL-48",
        /// Services may be suspended on the order of investigative bodies.
        Net19_8 = "NET-19.8",
        /// Service is restored within 24 hours of the payment.
        Net19_21 = "NET-19.21",
    }
}

impl StatusRule {
    /// The id, `PA-4.5`.
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
            Self::Pa3_5 => [
                "үмітсіз қарыз: комиссия таныған, баланстан тыс шотта бес жыл тұрады",
                "безнадёжный долг признан комиссией и пять лет числится за балансом",
                "hopeless debt is what the commission recognised, kept off-balance for five years",
            ],
            Self::Pa3_24 => [
                "берешек төлем күнінен кейінгі күннен бастап мерзімі өткен болады",
                "долг просрочен со дня, следующего за сроком оплаты",
                "debt is overdue from the day after the due date",
            ],
            Self::Pa3_29 => [
                "шарт бұзылғанда қалған берешек күмәнді болады",
                "долг, оставшийся при расторжении договора, сомнительный",
                "debt that is left when the contract ends is doubtful",
            ],
            Self::Pa4_1 => [
                "дербес шот ашылған кезең жабылғанша жаңа, келесі айда ағымдағы",
                "счёт новый до конца периода, в котором открыт, затем текущий",
                "an account is new until the end of the period in which it was opened, then current",
            ],
            Self::Pa4_2 => [
                "ағымдағы шотта қызмет қосулы және ақы есептеледі; тапсырыс тек берешексіз ашылады",
                "на текущем счёте услуги подключены и начисляются; заказы только без долга и пени",
                "a current account is connected and charged for; orders only without debt and penalty",
            ],
            Self::Pa4_3 => [
                "жабық шотта берешек жоқ; отыз күн ішінде қайта қосылады, кейін мұрағатқа өтеді",
                "на закрытом счёте нет долгов; тридцать дней на возвращение, потом архив",
                "a closed account owes nothing; thirty days to come back, then the archive",
            ],
            Self::Pa4_4 => [
                "мұрағаттық шотқа қызмет, тапсырыс, төлем қабылданбайды және ол қайта ашылмайды",
                "архивный счёт не принимает услуг, заказов и платежей и не открывается вновь",
                "an archived account takes neither services, orders nor payments, and is never reopened",
            ],
            Self::Pa4_5 => [
                "қызмет айынан кейінгі айдың 25-іне дейін төленбесе мерзімі өткен; тапсырыс та, төлеуші де болмайды",
                "просрочен, если не оплачен до 25 числа следующего месяца; нельзя заказывать и быть плательщиком",
                "overdue: not paid by the 25th of the month after the service; no orders, no payer",
            ],
            Self::Pa4_6 => [
                "берешек үшін ажыратылған: төленгенше не келісім жасалғанша, әйтпесе КДБ-мен жабылады",
                "отключён за долг до оплаты или соглашения, иначе закрывается с сомнительным долгом",
                "disconnected for debt until it is paid or an agreement is signed, else closed as doubtful",
            ],
            Self::Pa4_7 => [
                "күмәнді берешегі бар жабық: талап-арыз құжаттары беріледі; үмітсізі есептен шығарылады",
                "закрыт с сомнительным долгом: передаётся пакет для взыскания; безнадёжный списывается",
                "closed with doubtful debt: the claims package goes out; hopeless debt is written off",
            ],
            Self::Pa4_8 => [
                "есептен шығарылған берешек: төленсе не 5 жыл өтсе жабық, фрод болса мұрағаттық",
                "списанный долг: закрыт после оплаты или пяти лет; в архив, если фрод",
                "written-off debt: closed once paid or after five years; the archive when it was fraud",
            ],
            Self::Pa4_9 => [
                "кредиторлық берешегі бар жабық: 12 айға дейін қайтуға, 3 жылға дейін аударуға болады, кейін күмәнді",
                "закрыт с переплатой: возврат клиента 12 месяцев, перенос до 3 лет, затем сомнительная",
                "closed with a credit balance: back within 12 months, movable to 3 years, then doubtful",
            ],
            Self::Pa4_10 => [
                "күмәнді кредиторлық берешек есептен шығарылып, шот мұрағатқа өтеді",
                "сомнительная переплата списывается, и счёт уходит в архив",
                "a doubtful credit balance is written off, and the account goes to the archive",
            ],
            Self::Pa5 => [
                "он мәртебе бар, басқа мәртебе болуға тыйым салынады",
                "статусов десять, других быть не может",
                "there are ten statuses, and no other may exist",
            ],
            Self::Pa8 => [
                "жаңа шот шоты жоқ клиентке, жалға алушыға, үлес иесіне, жаңа иеге ашылады",
                "новый счёт: клиенту без счёта, арендатору, дольщику, новому владельцу",
                "who may have a new account: a client without one, a tenant, a part-owner, a new owner",
            ],
            Self::Pa8_2 => [
                "иесімен қатар жалға алушы аванстық әдіспен төлейді",
                "арендатор рядом с владельцем платит авансом",
                "a tenant beside the owner pays in advance",
            ],
            Self::Pa8_3 => [
                "үлес иесі не тіркелген тұрғын мекенжай анықтамасымен расталады",
                "дольщик или зарегистрированный жилец подтверждается адресной справкой",
                "a part-owner or registered resident is confirmed by an address certificate",
            ],
            Self::Pa8_4 => [
                "бұрынғы иенің берешегі бұрынғы иемен пысықталады",
                "долг прежнего владельца отрабатывается с прежним владельцем",
                "the former owner's debt is worked off with the former owner",
            ],
            Self::Pa9 => [
                "үй-жай иесі емес абонент аванспен төлейді және құқық құжатын көрсетеді",
                "не владелец помещения платит авансом и показывает документ о праве",
                "who does not own the premises pays in advance and shows a document of right",
            ],
            Self::Pa10 => [
                "жалға алушының аванстық шотына кепілдендірілген аванс, жалға алушы белгісі қойылады",
                "счёт арендатора помечается: гарантированный аванс, арендатор",
                "an advance account of a tenant is marked guaranteed advance and tenant",
            ],
            Self::Pa11 => [
                "бір мекенжайда басқа ЖСН-ге екінші шот: қайта ресімдеу, құжаттар және рұқсат керек",
                "второй счёт на адресе на другой ИИН: переоформление, документы и разрешение",
                "a second account at an address under another IIN: re-registration, documents, permission",
            ],
            Self::Pa12 => [
                "бір ЖСН-ге әр мекенжайда шот болады, бір мекенжайда екеуі болмайды",
                "на один ИИН счета по разным адресам, но не два на одном",
                "one IIN: accounts at different addresses, never two at one",
            ],
            Self::Pa13 => [
                "кредиторлық берешек жазбаша өтінішпен жаңа шотқа не карточкалық шотқа аударылады",
                "переплата переносится на новый счёт или карту по письменному заявлению",
                "a credit balance moves to a new account or card on a written application",
            ],
            Self::Pa14 => [
                "клиент ЖСН мен т.а.ә. бойынша ізделеді; берешек айтылады, шоттар бір ЖСН-ге біріктіріледі",
                "клиента ищут по ИИН и ФИО; о долгах сообщают, счета объединяют на один ИИН",
                "the client is looked up by IIN and name; debts are told, accounts merged under one IIN",
            ],
            Self::Pa15 => [
                "кезең жабылған соң сегмент, топ және қаржыландыру түрін фронт өзгертпейді",
                "после закрытия периода сегмент, группу и финансирование фронт не меняет",
                "after the period is closed segment, user group and funding are not edited by the front",
            ],
            Self::Pa16 => [
                "сегмент ауысса сальдо ауыстырылады, шот жабылып, жаңасы бірден ашылады",
                "смена сегмента: сальдо переносится, счёт закрывается, новый открывается сразу",
                "a change of segment: the balance moves, the account closes, another opens at once",
            ],
            Self::Pa17 => [
                "сегмент, топ, қаржыландыру түрі коммерциялық директордың хатымен орталықтан өзгереді",
                "сегмент, группа, финансирование меняются централизованно по письму коммерческого директора",
                "segment, group and funding change centrally, on the commercial director's letter",
            ],
            Self::Pa18 => [
                "жаңа шоттың құжаттары мен сканкөшірмелері",
                "документы и сканы нового счёта",
                "the papers and scans of a new account",
            ],
            Self::Pa19 => [
                "бас тарту жазбаша; алу наряды өтініштегі күннен кеш жабылмайды",
                "отказ письменный; наряд на снятие закрыт не позже даты отказа",
                "refusal in writing; the removal order closes not later than the day refused from",
            ],
            Self::Pa20 => [
                "шарт бұзылған күн алу наряды жабылған күнмен бірдей",
                "дата расторжения совпадает с датой закрытия наряда на снятие",
                "the contract ends on the day when the removal order closes",
            ],
            Self::Pa21 => [
                "жабдық тапсырылды не құнымен тапсырылмады деп белгіленеді",
                "оборудование отмечается сданным или несданным с его стоимостью",
                "equipment is marked handed in, or not handed in with its cost",
            ],
            Self::Pa22 => {
                ["берешексіз жабу құжаттары", "документы закрытия без долга", "the papers of a closing without debt"]
            }
            Self::Pa23 => [
                "берешек үшін ажыратылған шот қызмет нақты ажыратылған күні жабылады",
                "отключённый за долг счёт закрывается в день фактического снятия услуг",
                "an account disconnected for debt closes on the day when services are really removed",
            ],
            Self::Pa24 => [
                "алу наряды сотқа дейінгі ескерту алынғаннан кейін 30 күннен ерте жабылмайды",
                "наряд на снятие закрывается не раньше 30 дней после досудебного уведомления",
                "the removal order closes no earlier than 30 days after the pre-trial notice was received",
            ],
            Self::Pa25 => [
                "берешекпен жабуда шарт алу наряды жабылған күні бұзылады",
                "при закрытии с долгом договор расторгается в день закрытия наряда",
                "closing for debt: the contract ends on the day when the removal order closes",
            ],
            Self::Pa26 => {
                ["берешекпен жабу құжаттары", "документы закрытия с долгом", "the papers of a closing with debt"]
            }
            Self::Pa27 => [
                "жеке істе жоқ құжаттар толықтырылады",
                "недостающие документы личного дела дополняются",
                "missing papers of the personal file are completed",
            ],
            Self::Pa28 => [
                "жаңа иеге құжаттар толық болса, аванста депозит енгізілсе ашылады",
                "новому владельцу: полный пакет и депозит при авансе",
                "a new owner: full papers, and the deposit if in advance",
            ],
            Self::Pa29 => [
                "бұрынғы ие өтініш берсе, құрылғыларды таратпай қайта ресімделеді",
                "по заявлению прежнего владельца переоформляют без снятия",
                "the former owner applies: re-registered without dismantling",
            ],
            Self::Pa30 => [
                "бұрынғы иенің өтінішінсіз: берешек пен басқа мекенжайда деректер болмаса ғана",
                "без заявления прежнего владельца: нет долга и нет данных по другому адресу",
                "without the former owner's application: no debt and no data at another address",
            ],
            Self::Pa31 => [
                "бұрынғы иенің берешегі өз шотында қалады",
                "долг прежнего владельца остаётся на его счёте",
                "the former owner's debt stays on the former account",
            ],
            Self::Pa33 => [
                "көшу: құжаттар толық, аванста депозит енгізілген",
                "переезд: полный пакет документов и депозит при авансе",
                "a move: full papers, and the deposit if in advance",
            ],
            Self::Pa39 => [
                "оптика оптикаға, мыс мысқа, мыс пен оптика оптикаға көшеді",
                "оптика на оптику, медь на медь, медь и оптика на оптику",
                "fibre to fibre, copper to copper, copper and fibre to fibre",
            ],
            Self::Pa40 => [
                "қызмет тек бір елді мекен ішінде көшіріледі",
                "услуги переносятся только в пределах одного населённого пункта",
                "services move only within one settlement",
            ],
            Self::Pa41 => [
                "жаңа мекенжай абонент карточкасына жазылады",
                "новый адрес вносится в карточку абонента",
                "the new address goes on the subscriber's card",
            ],
            Self::Pa42 => [
                "көшу өтініштен бастап екі жұмыс күнінен аспайды",
                "переезд не дольше двух рабочих дней с заявления",
                "a move takes at most two working days from the application",
            ],
            Self::Pa43 => [
                "техникалық мүмкіндік болмаса абонентке хабарланып, басқа ұсыныс жасалады",
                "если переезд невозможен, абоненту сообщают и предлагают другое",
                "a move that is impossible technically is told, and another offer made",
            ],
            Self::Pa46 => [
                "жеке деректер тек абоненттің өтінішімен өзгереді",
                "личные данные меняются только по заявлению абонента",
                "personal data change only on the subscriber's application",
            ],
            Self::Pa48 => [
                "ЖСН бар болса шот пен шарт соған көшеді, жоқ болса карточкада өзгереді",
                "известному ИИН переходят счёт и договор, неизвестный правится в карточке",
                "a known IIN gets the account and contract, an unknown one is edited on the card",
            ],
            Self::Pa49 => [
                "жаңа құжаттардың сканкөшірмелері тіркеледі",
                "сканы новых документов прикладываются",
                "scans of the new documents are attached",
            ],
            Self::Pa50 => [
                "карточка өзгерген күн өтініш күнімен бірдей",
                "изменение карточки датируется днём заявления",
                "a change of the card is dated as the application",
            ],
            Self::Pa51_2 => [
                "фрод: ағымдағы шоты бар мекенжайда екінші шот",
                "фрод: второй счёт на адресе, где у абонента есть текущий",
                "fraud: a second account where the subscriber has a current one",
            ],
            Self::Pa51_3 => [
                "фрод: бір ЖСН-ге бір мекенжайда бірнеше шот",
                "фрод: несколько счетов одного ИИН на одном адресе",
                "fraud: several accounts of one IIN at one address",
            ],
            Self::Pa51_4 => [
                "фрод: тек технология ауысқанда жаңа шот",
                "фрод: новый счёт при смене одной технологии",
                "fraud: a new account where only the technology changed",
            ],
            Self::Pa51_5 => [
                "фрод: елді мекен ішінде көшкенде не деректер өзгергенде жаңа шот",
                "фрод: новый счёт при переезде внутри пункта или смене данных",
                "fraud: a new account for a move within the settlement or for changed personal data",
            ],
            Self::Pa51_6 => [
                "фрод: мерзімі өткен, күмәнді не шығарылған берешек бола тұра жаңа шот",
                "фрод: новый счёт при просроченном, сомнительном или списанном долге",
                "fraud: a new account while the person has overdue, doubtful or written-off debt",
            ],
            Self::Pa51_7 => [
                "фрод: басқа шотта берешек бола тұра жаңа шотқа қызмет қосу",
                "фрод: услуги на новый счёт при долге на другом",
                "fraud: services added to a new account while another account has such debt",
            ],
            Self::Pa57 => [
                "айына бір рет сәйкес емес мәртебелердің бақылау тізімі жасалады",
                "раз в месяц контрольный список несоответствий статусов",
                "once a month a control list of mismatched statuses",
            ],
            Self::Cell48 => [
                "шарт бұзылса қалған ақша күнтізбелік 30 күнде қайтарылады",
                "при расторжении остаток возвращается за 30 календарных дней",
                "on termination the rest of the balance is returned within 30 calendar days",
            ],
            Self::Net19_8 => [
                "тергеу органдарының талабымен қызмет тоқтатыла тұрады",
                "услуги приостанавливают по требованию следственных органов",
                "services may be suspended on the order of investigative bodies",
            ],
            Self::Net19_21 => [
                "төлем түскен соң қызмет 24 сағатта қалпына келтіріледі",
                "услуга возобновляется в течение 24 часов после оплаты",
                "service is restored within 24 hours of the payment",
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_rule_has_a_line_in_each_language() {
        for rule in StatusRule::ALL {
            assert_eq!(StatusRule::parse(rule.id().as_bytes()), Some(*rule));
            for language in Language::ALL {
                let line = rule.meaning(*language);
                assert!((10..=130).contains(&line.chars().count()) && !line.contains('\n'), "{rule} {language}");
                let cyrillic = line.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c));
                assert_eq!(cyrillic, *language != Language::English, "{rule} {language}");
            }
        }
        assert!(StatusRule::Pa4_5.meaning(Language::English).contains("25th"));
    }
}
