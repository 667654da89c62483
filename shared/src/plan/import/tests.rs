//! Files as people and spreadsheets write them, and what is said about them.

use super::*;
use crate::domain::voice::{CallHandling, MusicOnHold};
use crate::plan::export;
use proptest::prelude::*;
use std::io::Write as _;

type Users = BTreeMap<VoiceUserId, VoiceUser>;

fn user(id: &str, number: &str) -> VoiceUser {
    let mut user = VoiceUser::new(id.parse().unwrap());
    user.name = format!("User {id}");
    Field::Number.set(&mut user, number, None).unwrap();
    user
}

fn account(users: &[VoiceUser]) -> Users {
    users.iter().map(|user| (user.id.clone(), user.clone())).collect()
}

fn csv(mode: Mode, before: &Users, text: impl AsRef<[u8]>) -> Result<Imported, Faults> {
    let mut import = Import::new(mode, before);
    if let Err(fault) = file::read(text.as_ref(), &mut import) {
        import.refuse(fault);
    }
    import.finish()
}

#[track_caller]
fn created(text: impl AsRef<[u8]>) -> Users {
    csv(Mode::Create, &Users::new(), text).unwrap().users
}

/// `line:column field id: detail` of each fault.
fn told(refused: Result<Imported, Faults>) -> Vec<String> {
    let faults = refused.unwrap_err();
    let line = |fault: &Fault| {
        let place = fault.place.map(|place| place.number().to_string()).unwrap_or_default();
        let column = fault.column.map(|column| format!(":{column}")).unwrap_or_default();
        let id = fault.id.as_deref().map(|id| format!(" {id}")).unwrap_or_default();
        format!("{place}{column}{id} {}", fault.invalid)
    };
    faults.listed().iter().map(line).collect()
}

#[track_caller]
fn refused(mode: Mode, before: &Users, text: impl AsRef<[u8]>, expected: &[&str]) {
    let told = told(csv(mode, before, text));
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.contains(expected), "{told}\nlacks {expected}");
    }
}

#[test]
fn r122_a_file_of_new_users() {
    let users = created(
        "id,name,email,number,extension,callHandling,country,musicOnHold,matchByMail\r\n\
         v1,Ada Lovelace,ada@customer.example,+3222345678,1001,noVoicemail,LU,service,no\r\n\
         v2,\"Desk, \"\"north\"\"\",,,0012,,,,\r\n",
    );
    let ada = &users[&"v1".parse().unwrap()];
    assert_eq!(ada.call_handling, CallHandling::NoVoicemail);
    assert_eq!(
        (ada.music_on_hold, ada.match_by_mail),
        (Some(MusicOnHold::Service), false)
    );
    assert_eq!(Field::Country.text(ada), "LU");
    let desk = &users[&"v2".parse().unwrap()];
    assert_eq!(desk.name, "Desk, \"north\"");
    assert_eq!(Field::Extension.text(desk), "0012");
    assert!(
        desk.match_by_mail,
        "R123-R124: imported users are matched unless the file says otherwise"
    );
}

#[test]
fn what_spreadsheets_write_is_read() {
    let plain = created("id,name,number\nv1,Ada,+3222345678\n");
    for text in [
        "\u{feff}id,name,number\r\nv1,Ada,+3222345678\r\n",
        "id;name;number\r\nv1;Ada;+3222345678\r\n",
        "id\tname\tnumber\nv1\tAda\t+3222345678",
        "sep=;\r\nid;name;number\r\nv1;Ada;+3222345678\r\n",
        "\"ID\",\" Name \",\"Phone Number\"\n\"v1\",\"Ada\",\"'+3222345678\"\n",
        "\n\nID,NAME,NUMBER\n,,\nv1,Ada,+3222345678\n,,,\n\n",
        "id,name,number\rv1,Ada,+3222345678\r",
        "number,id,name,e-mail,Match_By-Mail\n+3222345678,v1,Ada,,\n",
    ] {
        assert_eq!(created(text), plain, "{text:?}");
    }
}

#[test]
fn every_line_that_is_wrong_is_told_with_its_place() {
    let before = account(&[user("v9", "+3222345699")]);
    refused(
        Mode::Create,
        &before,
        "id,name,email,number,extension\n\
         v1,Ada,ada@customer.example,15550100123,1\n\
         v2,,nobody,1.55501E+10,1002\n\
         v9,Again,,,\n\
         ,Nobody,,,\n\
         a b,Blank,,,\n\
         v3,\"Two\nlines\",,,\n\
         v4,Same,,+3222345699,\n\
         v5,First,,+3222345670,\n\
         v6,Second,,+3222345670,\n\
         v5,Third,,,\n\
         v7,Short,\n",
        &[
            "2:4 v1 number: the + in front is missing",
            "2:5 v1 extension: expected 2 to 8 digits; a spreadsheet drops zeros",
            "3:3 v2 email: expected an address",
            "3:4 v2 number: 1.55501E+10 is how a spreadsheet shows a long number",
            "3 v2 name: every voice user needs a name",
            "4 v9 id: there is such a voice user already; leave it out, or import it with mode=update",
            "5:1 id: every voice user needs the id",
            "6:1 id: expected 1 to 64 letters",
            "7:2 v3 name: line breaks",
            "12 v5 id: v5 stands in line 10 already",
            "13 line: it has 3 cells and the header has 5",
            "9 v4 number: +3222345699 is the number of v9 already",
        ],
    );
}

#[test]
fn double_numbers_are_told_with_both_lines() {
    refused(
        Mode::Create,
        &Users::new(),
        "id,name,number\nz,First,+3222345670\na,Second,+3222345670\n",
        &["3 a number: +3222345670 is the number of z in line 2 as well; each number rings one user"],
    );
}

#[test]
fn a_file_that_cannot_be_a_table_is_explained() {
    let none = Users::new();
    refused(Mode::Create, &none, "", &["file: it is empty"]);
    refused(
        Mode::Create,
        &none,
        "id,name\n",
        &["users: there is no voice user in it"],
    );
    refused(
        Mode::Create,
        &none,
        "name,number\nAda,+3222345678\n",
        &["1 header: the first line names the columns"],
    );
    refused(
        Mode::Create,
        &none,
        "id,name,Fone\n",
        &["1:3 header: there is no column `Fone`; rename it, or take it out. There are: id, name"],
    );
    refused(
        Mode::Create,
        &none,
        "id,name,mail,e-mail\n",
        &["1:4 header: the column email stands there twice"],
    );
    refused(
        Mode::Create,
        &none,
        "id,name\nv1,Andr\u{e9}\n".chars().map(|c| c as u8).collect::<Vec<u8>>(),
        &["2:2 file: there are letters that are not UTF-8"],
    );
    refused(
        Mode::Create,
        &none,
        [0xff, 0xfe, b'i', 0, b'd', 0],
        &["file: it is not UTF-8 text; save it as `CSV UTF-8"],
    );
    refused(
        Mode::Create,
        &none,
        "{\"items\": []}",
        &["1:1 header: there is no column `{\"items\": []}`"],
    );
}

#[test]
fn r125_an_update_changes_what_it_gives_and_leaves_the_rest() {
    let mut ada = user("v1", "+3222345678");
    Field::Email.set(&mut ada, "ada@customer.example", None).unwrap();
    Field::Extension.set(&mut ada, "0012", None).unwrap();
    Field::MusicOnHold.set(&mut ada, "pbx", None).unwrap();
    let before = account(&[ada.clone(), user("v2", "+3222345679")]);
    let after = csv(
        Mode::Update,
        &before,
        "id,email,extension,musicOnHold\nv1,ada.l@customer.example,,CLEAR\n",
    )
    .unwrap();
    assert_eq!(
        after.counts,
        Counts {
            updated: 1,
            ..Counts::default()
        }
    );
    let mut expected = ada;
    Field::Email.set(&mut expected, "ada.l@customer.example", None).unwrap();
    expected.music_on_hold = None;
    assert_eq!(after.users[&expected.id], expected);
    assert_eq!(after.users.len(), 2);
    let again = csv(Mode::Update, &after.users, "id,email\nv1,ada.l@customer.example\nv2,\n").unwrap();
    assert_eq!(
        again.counts,
        Counts {
            unchanged: 2,
            ..Counts::default()
        }
    );
    // Numbers may change hands within a file.
    let swapped = csv(Mode::Update, &before, "id,number\nv1,+3222345679\nv2,+3222345678\n").unwrap();
    assert_eq!(swapped.counts.updated, 2);
    refused(
        Mode::Update,
        &before,
        "id,name,extension\nv1,CLEAR,12\nv3,New,\n",
        &[
            "2:3 v1 extension: it was 0012, and spreadsheets drop zeros",
            "3 v3 id: there is no such voice user",
        ],
    );
    let kept = csv(Mode::Update, &before, "id,extension\nv1,'0012\n").unwrap();
    assert_eq!(kept.counts.unchanged, 1);
}

#[test]
fn json_says_the_same() {
    let before = account(&[user("v2", "+3222345679")]);
    let read = |mode, text: &str| {
        let mut import = Import::new(mode, &before);
        list::read(text.as_bytes(), &mut import)?;
        Ok::<_, String>(import.finish())
    };
    let users = read(
        Mode::Create,
        r#"{"items":[{"id":"v1","name":"Ada","number":"+3222345678","email":null,"matchByMail":false}]}"#,
    );
    let users = users.unwrap().unwrap().users;
    assert!(!users[&"v1".parse().unwrap()].match_by_mail);
    let wrong = read(
        Mode::Create,
        r#"{"items":[{"id":"v1","name":"Ada","number":3222345678},{"id":"v2"},{"name":"x"}]}"#,
    );
    assert_eq!(told(wrong.unwrap()).len(), 4);
    let update = read(Mode::Update, r#"{"items":[{"id":"v2","number":null}]}"#)
        .unwrap()
        .unwrap();
    assert_eq!(update.users[&"v2".parse().unwrap()].number, None);
    for malformed in [
        "",
        "[]",
        "{}",
        "{\"items\":{}}",
        "{\"items\":[],\"items\":[]}",
        "{\"items\":[{\"id\":\"v1\",\"id\":\"v2\"}]}",
        "{\"items\":[{\"id\":\"v1\",\"fone\":\"x\"}]}",
        "{\"items\":[{\"id\":[]}]}",
        "{\"items\":[[]]}",
        "{\"items\":[]} x",
        "{\"items\":[1.5]}",
    ] {
        assert!(read(Mode::Create, malformed).is_err(), "{malformed}");
    }
    let mut import = Import::new(Mode::Create, &before);
    let lines = "{\"id\":\"v1\",\"name\":\"Ada\"}\n\n{\"id\":\"v2\"\n{\"id\":\"v3\"}\n";
    list::read_lines(lines.as_bytes(), &mut import).unwrap();
    let told = told(import.finish());
    assert!(
        told[0].starts_with("3 line: it is not a voice user in JSON") && told[1].starts_with("4 v3 name"),
        "{told:?}"
    );
}

#[test]
fn a_replacement_counts_who_goes_and_takes_no_more_than_there_may_be() {
    let before = account(&[user("v1", "+3222345678"), user("v2", "+3222345679")]);
    let after = csv(
        Mode::Replace,
        &before,
        "id,name,number\nv1,User v1,+3222345678\nv3,New,+3222345679\n",
    )
    .unwrap();
    assert_eq!(
        after.counts,
        Counts {
            created: 1,
            deleted: 1,
            unchanged: 1,
            ..Counts::default()
        }
    );
    assert!(!after.users[&"v3".parse().unwrap()].match_by_mail);
    let mut many = b"id,name\n".to_vec();
    for n in 0..=AT_ONCE {
        writeln!(many, "v{n},User {n}").unwrap();
    }
    refused(
        Mode::Create,
        &before,
        &many,
        &[
            "2 v1 id: there is such", // v0 is in line 2, v1 in line 3
            "v2 id: there is such",
            "users: at most 50000 users",
        ]
        .map(|expected| {
            if expected.starts_with('2') {
                "3 v1 id: there is such"
            } else {
                expected
            }
        }),
    );
}

fn texts() -> impl Strategy<Value = VoiceUser> {
    let name = "[^\\p{C}\\u{2028}\\u{2029}]{1,20}|['\"=+@,;|-]{1,6}";
    let fields = (
        "[a-z0-9@._:-]{1,12}",
        name,
        proptest::option::of("[a-z+-]{1,8}@[a-z]{1,8}\\.example"),
        proptest::option::of(3_222_300_000_u64..3_222_399_999),
        proptest::option::of("[0-9]{2,8}"),
        0..3_usize,
        proptest::option::of("[A-Z]{2}"),
        proptest::option::of(any::<bool>()),
        any::<bool>(),
    );
    fields.prop_filter_map(
        "a user",
        |(id, name, email, number, extension, handling, country, music, matched)| {
            let mut user = VoiceUser::new(voice_field::id(&id).ok()?);
            Field::Name.set(&mut user, &name, None).ok()?;
            user.email = email.and_then(|email| email.parse().ok());
            user.number = number.map(|number| format!("+{number}").parse().unwrap());
            user.extension = extension.map(|extension| extension.parse().unwrap());
            user.call_handling = [
                CallHandling::Voicemail,
                CallHandling::NoVoicemail,
                CallHandling::NoVoicemailNoForwarding,
            ][handling];
            user.country = country.map(|country| country.parse().unwrap());
            user.music_on_hold = music.map(|pbx| if pbx { MusicOnHold::Pbx } else { MusicOnHold::Service });
            user.match_by_mail = matched;
            Some(user)
        },
    )
}

proptest! {
    #[test]
    fn what_is_exported_comes_back_as_it_was(users in proptest::collection::vec(texts(), 1..12)) {
        let mut users = account(&users);
        let mut numbers = std::collections::BTreeSet::new();
        users.retain(|_, user| user.number.as_ref().is_none_or(|number| numbers.insert(number.clone())));
        prop_assume!(!users.is_empty());
        let text = export::table(users.values()).unwrap();
        for mode in [Mode::Create, Mode::Replace] {
            prop_assert_eq!(&csv(mode, &Users::new(), &text).unwrap().users, &users);
        }
        let again = csv(Mode::Update, &users, &text).unwrap();
        prop_assert_eq!(again.counts, Counts { unchanged: users.len(), ..Counts::default() });
    }

    #[test]
    fn any_bytes_are_imported_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        lines in "(id[,;\t]name[,;\t]number\r?\n)?([v1-3]{0,2}[,;\t\"']{0,3}[A-Za-z'=+0-9.\"]{0,12}[,;\t\r\n]{0,2}){0,12}"
    ) {
        let before = account(&[user("v1", "+3222345678")]);
        for text in [&bytes, lines.as_bytes(), &[b"id,name\n".as_slice(), &bytes].concat()] {
            for mode in [Mode::Create, Mode::Update, Mode::Replace] {
                match csv(mode, &before, text) {
                    Ok(after) => prop_assert!(after.users.values().all(|user| !user.name.is_empty())),
                    Err(faults) => prop_assert!(!faults.is_empty()),
                }
                let mut import = Import::new(mode, &before);
                let _ = list::read(text, &mut import);
                let _ = list::read_lines(text, &mut import);
                let _ = import.finish();
            }
        }
    }
}
