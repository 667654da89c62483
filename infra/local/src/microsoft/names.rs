//! Words that people, departments and companies of the simulated directories are made of. All invented.

pub(super) const GIVEN: [&str; 64] = [
    "Mara", "Otto", "Ines", "Jonas", "Clara", "Emil", "Zoë", "Luca", "Nadia", "Felix", "Amara", "Hugo", "Priya",
    "Sven", "Leila", "Tomas", "Greta", "Marco", "Yuki", "Daniel", "Freya", "Samuel", "Anouk", "Rafael", "Ilse",
    "Victor", "Noor", "Martin", "Elena", "Oscar", "Sofia", "Pieter", "Renée", "Karim", "Johanna", "Diego", "Maëlle",
    "Anton", "Chidi", "Hannah", "Matteo", "Lotte", "Ivan", "Aisha", "Bram", "Camille", "Erik", "Fatima", "Günter",
    "Helena", "Isak", "Jasmin", "Kofi", "Linnea", "Milan", "Nora", "Olivia", "Paulo", "Quentin", "Rosa", "Stefan",
    "Tara", "Ursula", "Wim",
];

pub(super) const SURNAME: [&str; 72] = [
    "Quist",
    "Brand",
    "Keller",
    "Moreau",
    "Janssens",
    "Okafor",
    "Lindqvist",
    "Rossi",
    "Nakamura",
    "Peeters",
    "Schäfer",
    "Dubois",
    "Fontaine",
    "Haddad",
    "Ibsen",
    "Jovanovic",
    "Kowalski",
    "Larsen",
    "Mertens",
    "Novak",
    "Ortega",
    "Petrov",
    "Quinn",
    "Ramires",
    "Sørensen",
    "Tanaka",
    "Ulrich",
    "Vermeulen",
    "Weber",
    "Ximenes",
    "Yilmaz",
    "Zeller",
    "Adler",
    "Bakker",
    "Castillo",
    "De Smet",
    "Eklund",
    "Ferreira",
    "Grünwald",
    "Holm",
    "Iversen",
    "Jensen",
    "Kapoor",
    "Lambert",
    "Maes",
    "Nyström",
    "Oduya",
    "Pereira",
    "Rahman",
    "Santos",
    "Takala",
    "Urbano",
    "Van Damme",
    "Wolff",
    "Aydin",
    "Bergström",
    "Claes",
    "Dhillon",
    "Esposito",
    "Fischer",
    "Goossens",
    "Hakala",
    "Ivanova",
    "Jacobs",
    "Koskinen",
    "Leclercq",
    "Mbeki",
    "Nilsen",
    "O'Hara",
    "Popescu",
    "Roth",
    "Silva",
];

/// A tenth of the people each.
pub(super) const DEPARTMENT: [&str; 10] = [
    "Accounting",
    "Billing",
    "Sales",
    "Engineering",
    "Support",
    "Marketing",
    "People",
    "Legal",
    "Operations",
    "IT",
];

pub(super) const TITLE: [&str; 8] = [
    "Specialist",
    "Manager",
    "Analyst",
    "Coordinator",
    "Director",
    "Consultant",
    "Assistant",
    "Lead",
];

/// Country and calling code.
pub(super) const COUNTRY: [(&str, &str); 7] = [
    ("US", "1555"),
    ("GB", "4420"),
    ("BE", "322"),
    ("NL", "3120"),
    ("DE", "4930"),
    ("FR", "331"),
    ("IE", "3531"),
];

const COMPANY_FIRST: [&str; 12] = [
    "Bluefinch",
    "Northwater",
    "Oakline",
    "Silverfern",
    "Redmaple",
    "Stonebridge",
    "Clearbrook",
    "Highmoor",
    "Ironleaf",
    "Goldcrest",
    "Whitewillow",
    "Greenharbor",
];
const COMPANY_LAST: [&str; 8] = [
    "Ltd",
    "Logistics",
    "Foods",
    "Energy",
    "Partners",
    "Health",
    "Textiles",
    "Media",
];

/// A company's name and the label of its domains, different for each `nth` of one draw.
pub(super) fn company(draw: usize, nth: usize) -> (String, String) {
    let first = COMPANY_FIRST[(draw + nth) % COMPANY_FIRST.len()];
    let last = COMPANY_LAST[(draw / COMPANY_FIRST.len() + nth * 3) % COMPANY_LAST.len()];
    (format!("{first} {last}"), first.to_lowercase())
}

/// What of a name goes into an address.
pub(super) fn address_part(name: &str) -> String {
    name.chars()
        .filter_map(|letter| match letter {
            'ë' | 'é' | 'è' => Some('e'),
            'ü' => Some('u'),
            'ä' | 'å' => Some('a'),
            'ø' | 'ö' => Some('o'),
            ' ' | '\'' => None,
            other => Some(other.to_ascii_lowercase()),
        })
        .collect()
}
