import Linux
import Testing

@testable import NodeAgent

@Suite struct NameReachTests {
    @Test(
        arguments: [
            (ProgramForm.dynamic(loader: "/lib/ld-musl-aarch64.so.1"), NameReach.none),
            (.dynamic(loader: "/lib64/ld-linux-x86-64.so.2"), nil), (.whole(isGo: true), .full), (.whole(isGo: false), .unknown),
            (.other, nil), (.script(interpreter: "/bin/sh"), nil),
        ] as [(ProgramForm, NameReach?)])
    func `how far a program comes with names is told by what it is made of`(form: ProgramForm, reach: NameReach?) {
        #expect(NameReach(form) == reach)
        if let reach {
            #expect(reach.reason == (reach == .none ? "NamesUnavailable" : "NamesLimited"))
            let words = reach.words(program: "/app", service: "my-db", namespace: "shop")
            #expect(words.hasPrefix("/app ") && words.contains("$MY_DB_SERVICE_HOST and $MY_DB_SERVICE_PORT"))
            #expect(words.contains("my-db.shop.svc.cluster.local") == (reach == .full))
        }
    }
}
