import Formats
import Testing

@testable import Commands

/// What kubectl prints for the same templates and the same object, written down from kubectl 1.37.
struct GoTemplateTests {
    private let object: Value = [
        "kind": "Thing", "n": 3, "half": 0.5, "on": true, "off": false, "empty": "", "none": .null, "secret": "aHVudGVyMg==",
        "metadata": ["name": "web", "labels": ["tier": "front", "app": "web"]], "tags": ["x", "y", "z"], "list": [],
        "items": [["name": "a", "n": 1], ["name": "b", "n": 2], ["name": "c"]],
    ]

    @Test(arguments: [
        ("plain", "plain"), ("{{.metadata.name}}", "web"), ("{{.n}} {{.half}} {{.on}}", "3 0.5 true"), ("{{.nothing}}", "<no value>"),
        ("{{.nothing.below}}", "<no value>"), ("{{.none}}", "<no value>"), ("{{.metadata.labels}}", "map[app:web tier:front]"),
        ("{{.tags}}", "[x y z]"), ("{{$.kind}}", "Thing"), ("{{.metadata.labels.app}}{{\"\\n\"}}", "web\n"), ("a {{- .n -}} b", "a3b"),
        ("a {{/* nothing */}} b", "a  b"), ("a {{- /* nothing */ -}} b", "ab"), ("{{`a\\n`}}", "a\\n"), ("{{'x'}}", "120"),
    ])
    func `fields and texts`(template: String, text: String) throws { #expect(try GoTemplate(template).text(in: object) == text) }

    @Test(arguments: [
        ("{{range .items}}{{.name}} {{end}}", "a b c "), ("{{range $i, $x := .items}}{{$i}}={{$x.name}} {{end}}", "0=a 1=b 2=c "),
        ("{{range $x := .tags}}{{$x}}{{end}}", "xyz"), ("{{range .list}}x{{else}}none{{end}}", "none"),
        ("{{range $k, $v := .metadata.labels}}{{$k}}:{{$v}} {{end}}", "app:web tier:front "),
        ("{{range .tags}}{{if eq . \"y\"}}{{continue}}{{end}}{{.}}{{end}}", "xz"),
        ("{{range .tags}}{{if eq . \"y\"}}{{break}}{{end}}{{.}}{{end}}", "x"),
        ("{{range .items}}{{range $.tags}}{{.}}{{end}}{{.name}}{{end}}", "xyzaxyzbxyzc"),
        ("{{if .on}}yes{{else}}no{{end}}", "yes"), ("{{if .empty}}a{{else if .n}}b{{else}}c{{end}}", "b"),
        ("{{if .off}}a{{else if .list}}b{{else}}c{{end}}", "c"), ("{{with .metadata}}{{.name}}{{end}}", "web"),
        ("{{with .nothing}}x{{else}}{{.kind}}{{end}}", "Thing"), ("{{$x := 1}}{{if .on}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ("{{with $m := .metadata}}{{$m.name}}{{end}}", "web"), ("{{$s := \"\"}}{{range .tags}}{{$s = print $s .}}{{end}}{{$s}}", "xyz"),
    ])
    func `loops, choices and variables`(template: String, text: String) throws {
        #expect(try GoTemplate(template).text(in: object) == text)
    }

    @Test(arguments: [
        ("{{len .items}} {{len .kind}} {{len .metadata.labels}}", "3 5 2"), ("{{index .tags 1}}", "y"),
        ("{{index .metadata.labels \"tier\"}}", "front"), ("{{(index .items 1).name}}", "b"), ("{{index .items 0 \"name\"}}", "a"),
        ("{{eq .kind \"Thing\"}} {{ne .kind \"Thing\"}}", "true false"), ("{{eq .kind \"a\" \"Thing\"}}", "true"),
        ("{{lt 1 2}} {{le 2 2}} {{gt \"a\" \"b\"}} {{ge 1.5 1.5}}", "true true false true"), ("{{gt (len .tags) 2}}", "true"),
        ("{{and .on .kind}} {{or .empty .kind}} {{not .on}}", "Thing Thing false"), ("{{and .off (index .tags 99)}}", "false"),
        ("{{.kind | printf \"%s-%s\" \"a\"}}", "a-Thing"), ("{{printf \"%5s|%-5s|%q\" \"a\" \"b\" \"c\"}}", "    a|b    |\"c\""),
        ("{{printf \"%03d %v %t %.2f %%\" 7 .tags true .half}}", "007 [x y z] true 0.50 %"), ("{{printf \"%s\"}}", "%!s(MISSING)"),
        ("{{printf \"%d\" \"x\"}}", "%!d(string=x)"), ("{{print 1 2 \"a\" 3}}", "1 2a3"), ("{{println \"a\" 1}}", "a 1\n"),
        ("{{.secret | base64decode}}", "hunter2"), ("{{exists . \"metadata\" \"name\"}} {{exists . \"nope\" \"name\"}}", "true false"),
        ("{{slice .kind 1 3}}", "hi"), ("{{html \"<a>\"}} {{urlquery \"a b&\"}}", "&lt;a&gt; a+b%26"),
        ("{{len .kind | printf \"%d\" | print \"n=\"}}", "n=5"), ("{{(print \"a\" \"b\")}}", "ab"), ("{{eq .nothing \"x\"}}", "false"),
    ])
    func `functions and pipelines`(template: String, text: String) throws { #expect(try GoTemplate(template).text(in: object) == text) }

    @Test(arguments: [
        ("{{.a", "go-template:1: an action is not closed by }}"), ("x\n{{if .a}}y", "go-template:2: {{if}} without {{end}}"),
        ("{{end}}", "go-template:1: unexpected {{end}}"), ("{{}}", "go-template:1: missing value for command"),
        ("{{lenn .a}}", "go-template:1: function \"lenn\" not defined; did you mean len?"), ("{{template \"x\"}}", "is not built in"),
        ("{{(len .a}}", "a \")\" is missing"), ("{{break}}", "{{break}} outside of {{range}}"), ("{{\"a}}", "a quote is not closed"),
        ("{{.a | }}", "a command is missing"), ("{{range .a}}x{{else if .b}}y{{end}}", "unexpected \"if\" after else"),
    ])
    func `what is no template is refused, with its line`(template: String, message: String) {
        let error = #expect(throws: CommandError.self) { try GoTemplate(template) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.exitCode == 2)
    }

    @Test(arguments: [
        ("{{.kind.name}}", "can't evaluate field name in the string \"Thing\""), ("{{index .tags 9}}", "index out of range: 9"),
        ("{{len .n}}", "len of the number 3"), ("{{eq .kind 1}}", "incompatible types for comparison"), ("{{$y}}", "undefined variable"),
        ("{{range .n}}{{end}}{{range .kind}}{{end}}", "range can't iterate over Thing"),
        ("{{not}}", "wrong number of arguments: want 1, got 0"),
        ("{{.kind 1}}", "can't give an argument to what is no function"),
    ])
    func `what a template cannot do with an object it says`(template: String, message: String) throws {
        let template = try GoTemplate(template)
        let error = #expect(throws: CommandError.self) { try template.text(in: object) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }
}
