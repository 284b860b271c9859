//! What the joining promises, by the text that it writes. That a browser runs that text as it runs the sources is shown by
//! `tests/browser/first-visit.test.mjs`.

use super::*;

fn texts(files: &[(&str, &str)]) -> Texts {
    let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    files.iter().map(owned).collect()
}

/// The joined files of a page whose only root is `main.js`.
fn one(files: &[(&str, &str)]) -> Result<Texts> {
    join(&texts(files), &[&["main.js"]], &[]).map(|joined| joined.files)
}

#[test]
fn a_variable_that_changes_changes_for_all_who_import_it() {
    let files = one(&[
        (
            "main.js",
            "import { count, add } from \"./count.js\";\nadd();\nconsole.log(count, { count });\n",
        ),
        (
            "count.js",
            "export let count = 0;\nexport function add(by = 1) {\n  count += by;\n}\n",
        ),
    ])
    .unwrap();
    assert_eq!(
        files["main.js"],
        "let count = 0;\nfunction add(by = 1) {\ncount += by;\n}\n;\nadd();\nconsole.log(count, { count });\n"
    );
    assert_eq!(files.len(), 1);
}

#[test]
fn names_that_would_clash_are_written_anew_and_properties_are_not() {
    let files = one(&[
        (
            "main.js",
            "import { a as other, open } from \"./a.js\";\nconst a = 1;\nconst f = (open$1) => ({ a, other, open, open$1 });\n",
        ),
        (
            "a.js",
            "const list = [];\nexport const { a = list, b: { length } } = window;\nexport const open = () => ({ a } = list);\n",
        ),
        ("late.js", "open(name);\n"),
    ]);
    // late.js is not imported.
    assert!(
        files
            .unwrap_err()
            .starts_with("late.js: no module imports it")
    );
    let files = one(&[
        (
            "main.js",
            "import \"./late.js\";\nimport { a as other, open as start } from \"./a.js\";\nconst a = 1;\nconst f = (open$1, a$1) => ({ a, other, start, open$1 });\n",
        ),
        (
            "a.js",
            "const list = [];\nexport let { a = list, b: { length } } = window;\nexport const open = () => ({ a } = list);\n",
        ),
        ("late.js", "const list = 1;\nopen(list);\n"),
    ])
    .unwrap();
    assert_eq!(
        files["main.js"],
        "const list$1 = 1;\nopen(list$1);\nconst list = [];\nlet { a: a$2 = list, b: { length } } = window;\nconst open$2 = () => ({ a: a$2 } = list);\nconst a = 1;\nconst f = (open$1, a$1) => ({ a, other: a$2, start: open$2, open$1 });\n"
    );
}

#[test]
fn modules_that_import_each_other_stand_in_the_order_in_which_browsers_evaluate_them() {
    let files = one(&[
        ("main.js", "import { a } from \"./a.js\";\na();\n"),
        (
            "a.js",
            "import { b } from \"./b.js\";\nexport function a() {\n  return b;\n}\n",
        ),
        (
            "b.js",
            "import { a } from \"./a.js\";\nexport const b = a;\n",
        ),
    ])
    .unwrap();
    assert_eq!(
        files["main.js"],
        "const b = a;\nfunction a() {\nreturn b;\n}\n;\na();\n"
    );
}

#[test]
fn names_that_are_passed_on_are_the_first_modules_variables() {
    let files = one(&[
        (
            "main.js",
            "import { c } from \"./index.js\";\nc();\nimport(\"./index.js\");\n",
        ),
        ("index.js", "export { b as c } from \"./middle.js\";\n"),
        (
            "middle.js",
            "import { a } from \"./a.js\";\nexport { a as b };\n",
        ),
        ("a.js", "export const a = () => 1;\n"),
    ])
    .unwrap();
    // What import() gives has the names that the module exports.
    assert_eq!(files.keys().collect::<Vec<_>>(), ["main.js"]);
    assert_eq!(
        files["main.js"],
        "const a$1 = () => 1;\na$1();\nimport(\"./main.js\");\nexport { a$1 as c };\n"
    );
}

#[test]
fn what_is_imported_later_is_a_file_of_its_own_and_has_the_same_variables() {
    let files = one(&[
        (
            "main.js",
            "import { state } from \"./page/state.js\";\nimport(\"./page/late.js\").then(({ open }) => open(state));\n",
        ),
        ("page/state.js", "export const state = { open: false };\n"),
        (
            "page/late.js",
            "import { state } from \"./state.js\";\nimport { helper } from \"./helper.js\";\nexport const open = () => helper(state);\n",
        ),
        ("page/helper.js", "export const helper = (state) => (state.open = true);\n"),
    ])
    .unwrap();
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        ["main.js", "page/late.js"]
    );
    assert_eq!(
        files["main.js"],
        "const state = { open: false };\nimport(\"./page/late.js\").then(({ open }) => open(state));\nexport { state };\n"
    );
    assert_eq!(
        files["page/late.js"],
        "import { state } from \"../main.js\";\nconst helper = (state) => (state.open = true);\nconst open = () => helper(state);\nexport { open };\n"
    );
}

#[test]
fn what_two_roots_share_is_a_file_of_its_own_so_that_neither_evaluates_the_other() {
    let sources = texts(&[
        (
            "main.js",
            "import { shared } from \"./shared.js\";\nimport { store } from \"./store.js\";\nshared(store);\n",
        ),
        (
            "embed.js",
            "import { shared } from \"./shared.js\";\nshared();\nimport(\"./main.js\");\nimport(\"./store.js\");\n",
        ),
        (
            "shared.js",
            "import \"./first.js\";\nexport const shared = () => {};\n",
        ),
        ("first.js", "first();\n"),
        ("store.js", "export const store = 1;\n"),
        (
            "worker.js",
            "import { store } from \"./store.js\";\nself.store = store;\n",
        ),
    ]);
    let joined = join(&sources, &[&["main.js", "embed.js"], &["worker.js"]], &[]).unwrap();
    let files: Vec<_> = joined.files.keys().map(String::as_str).collect();
    assert_eq!(
        files,
        ["embed.js", "main.js", "shared.js", "store.js", "worker.js"]
    );
    assert_eq!(
        joined.files["shared.js"],
        "first();\nconst shared = () => {};\nexport { shared };\n"
    );
    assert_eq!(
        joined.files["embed.js"],
        "import { shared } from \"./shared.js\";\nshared();\nimport(\"./main.js\");\nimport(\"./store.js\");\n"
    );
    // A worker shares nothing with the page: it has its own copy.
    assert_eq!(
        joined.files["worker.js"],
        "const store = 1;\nself.store = store;\n"
    );
    assert_eq!(joined.waits_for["embed.js"], ["embed.js", "shared.js"]);
    let mut main = joined.waits_for["main.js"].clone();
    main.sort();
    assert_eq!(main, ["main.js", "shared.js", "store.js"]);
}

#[test]
fn a_module_keeps_its_address() {
    let files = one(&[
        ("main.js", "import { list } from \"./core/list.js\";\nfetch(new URL(list, import.meta.url));\n"),
        (
            "core/list.js",
            "export const list = new URL(\"../data/\", import.meta.url);\nexport const late = () => import(\"./late.js\");\n",
        ),
        ("core/late.js", "export const here = import.meta.url;\n"),
    ])
    .unwrap();
    assert_eq!(
        files["main.js"],
        "const list = new URL(\"../data/\", new URL(\"./core/list.js\", import.meta.url).href);\nconst late = () => import(\"./core/late.js\");\nfetch(new URL(list, import.meta.url));\n"
    );
    assert_eq!(
        files["core/late.js"],
        "const here = import.meta.url;\nexport { here };\n"
    );
}

#[test]
fn comments_go_and_what_looks_like_one_stays() {
    let source = r#"// A module.
/**
 * With {@link documentation}.
 */
import "./a.js"; // an import
const text = `
    // in a template ${/* not here */ `  ${1}  `}
      import { x } from "./x.js";
`;
const string = "// no comment \
      goes on";
const pattern = /[/*"'`]\/\/ import("x")/g, half = 4 / 2; // two
/*! A licence
      stays. */
const call = () => {
    return /* not
      this */ 1;
};
"#;
    let files = one(&[("main.js", source), ("a.js", "a()\n")]).unwrap();
    assert_eq!(
        files["main.js"],
        r#"a()
;
const text = `
    // in a template ${  `  ${1}  `}
      import { x } from "./x.js";
`;
const string = "// no comment \
      goes on";
const pattern = /[/*"'`]\/\/ import("x")/g, half = 4 / 2;
/*! A licence
      stays. */
const call = () => {
return
1;
};
"#
    );
    assert_eq!(
        plain("a.js", "(function () {\n  // why\n  go(); // now\n})();\n").unwrap(),
        "(function () {\ngo();\n})();\n"
    );
}

#[test]
fn statements_end_where_their_module_or_an_import_ended_them() {
    let files = one(&[
        ("main.js", "const b = a\nimport \"./a.js\"\n(b)\n"),
        ("a.js", "const c = d\n"),
    ])
    .unwrap();
    assert_eq!(files["main.js"], "const c = d\n;\nconst b = a\n;\n(b)\n;\n");
}

#[test]
fn what_it_does_not_know_is_refused_with_file_and_line() {
    for (source, why) in [
        (
            "\nimport x from \"./a.js\";",
            "main.js:2: write the names that are imported",
        ),
        (
            "import * as a from \"./a.js\";",
            "main.js:1: write the names that are imported",
        ),
        (
            "\n\nexport * from \"./a.js\";",
            "main.js:3: write the names that are exported",
        ),
        (
            "export default 1;",
            "main.js:1: give what is exported a name",
        ),
        (
            "import { default as a } from \"./a.js\";",
            "main.js:1: give it a plain name",
        ),
        (
            "const a = 1;\nexport { a as \"a b\" };",
            "main.js:2: give it a plain name",
        ),
        (
            "import a from \"./a.json\" with { type: \"json\" };",
            "main.js:1: an import with attributes",
        ),
        (
            "import { a } from \"lodash\";",
            "main.js:1: \"lodash\" is not the relative address",
        ),
        (
            "import { a } from \"https://a.example/a.js\";",
            "main.js:1: \"https://a.example/a.js\" is not",
        ),
        (
            "import { a } from \"../../a.js\";",
            "main.js:1: \"../../a.js\" is not the relative address",
        ),
        (
            "import { a } from \"./a.js?1\";",
            "main.js:1: \"./a.js?1\" is not the relative address",
        ),
        (
            "import { a } from \"/a.js\";",
            "main.js:1: \"/a.js\" is not the relative address",
        ),
        (
            "\nimport { a } from \"./b.js\";",
            "main.js:2: it imports b.js, and there is no module b.js",
        ),
        (
            "\nimport { z } from \"./a.js\";",
            "main.js:2: a.js does not export z",
        ),
        (
            "export { z } from \"./a.js\";",
            "main.js:1: a.js does not export z",
        ),
        (
            "import { a } from \"./a.js\";\na = 2;",
            "main.js:2: a is imported, and only its own module can set it",
        ),
        (
            "import { a } from \"./a.js\";\n[{ a }] = [2];",
            "main.js:2: a is imported",
        ),
        (
            "const meta = import.meta;",
            "main.js:1: of import.meta only import.meta.url",
        ),
        (
            "import.meta.resolve(\"./a.js\");",
            "main.js:1: of import.meta only import.meta.url",
        ),
        (
            "import(\"./a.js\", {});",
            "main.js:1: an import with options",
        ),
        (
            "import(\"./b.js\");",
            "main.js:1: it imports b.js, and there is no module b.js",
        ),
        ("eval(\"a\");", "main.js:1: eval sees names"),
        (
            "const a = 1;\nawait a;",
            "main.js:2: await outside of a function",
        ),
        (
            "for await (const a of []) a();",
            "main.js:1: await outside of a function",
        ),
        ("const a = 1;\nconst a = 2;", "main.js:"),
        ("const a = `;\n", "main.js:1: "),
        ("function () {}", "main.js:1: "),
        ("with (a) b;", "main.js:1: "),
        ("export { a };", "main.js:1: "),
    ] {
        let said = one(&[("main.js", source), ("a.js", "export const a = 1;\n")]).unwrap_err();
        assert!(said.starts_with(why), "{source:?} says {said:?}");
    }
    // Only a module that stays where it is may compute what it fetches.
    let computed = "export const a = (name) => import(name);\n";
    assert!(one(&[("main.js", computed)]).is_ok());
    let said = one(&[("main.js", "import \"./x/a.js\";"), ("x/a.js", computed)]).unwrap_err();
    assert!(
        said.starts_with("x/a.js:1: the module that import() fetches"),
        "{said}"
    );
    // A ring of names.
    let ring = [
        ("main.js", "import { a } from \"./b.js\";\na();"),
        ("b.js", "export { a } from \"./c.js\";"),
        ("c.js", "export { a } from \"./b.js\";"),
    ];
    let said = one(&ring).unwrap_err();
    assert!(said.contains("exports a, which no module has"), "{said}");
    assert!(join(&Texts::new(), &[&["main.js"]], &[]).is_err());
}

#[test]
fn strings_that_look_like_imports_are_strings() {
    let source = "const a = 'import { b } from \"./b.js\"';\nconst c = `export const d = import(\"./d.js\")`;\nconst e = /import \"x\"/;\n";
    assert_eq!(one(&[("main.js", source)]).unwrap()["main.js"], source);
}

#[test]
fn a_file_of_types_is_left_out() {
    let types = "/** @typedef {object} A */\nexport {};\n";
    let files = one(&[("main.js", "main();\n"), ("types.js", types)]).unwrap();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["main.js"]);
}

#[test]
fn the_pages_own_modules_can_be_joined_the_same_way_twice() {
    let mut sources = Texts::new();
    let root = crate::paths::root();
    for folder in ["www", "www/core", "www/page", "www/worker"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let script = folder == "www" && name != "main.js";
            if name.ends_with(".js") && !name.starts_with('.') && !script {
                let text = std::fs::read_to_string(&path).unwrap();
                sources.insert(format!("{folder}/{name}"), text);
            }
        }
    }
    let again = || {
        join(
            &sources,
            &[&crate::dist::ROOTS, &[crate::dist::WORKER]],
            &crate::dist::UNUSED,
        )
    };
    let joined = again().unwrap();
    assert_eq!(joined.files, again().unwrap().files);
    for (path, text) in &joined.files {
        eprintln!("{:>7} {path}", text.len());
    }
    assert!(
        joined.waits_for["www/main.js"].len() <= 6,
        "{:?}",
        joined.waits_for
    );
    assert_eq!(joined.waits_for["www/worker/worker.js"].len(), 1);
}
