import Testing

/// The `import` lines of the sources, held to the table.
@Suite struct ImportTests {
    @Test func `Every module stands in the table and in the package's manifest`() {
        #expect(!SourceTree.modules.isEmpty)
        #expect(SourceTree.modules == ImportTable.rows.keys.sorted())
        for module in SourceTree.modules {
            #expect(SourceTree.manifest.contains("\"\(module)\""), "Package.swift does not name \(module)")
        }
    }

    @Test(arguments: SourceTree.modules) func `A module imports only what its row allows`(module: String) {
        let allowed = (ImportTable.rows[module] ?? []).union(ImportTable.system[module] ?? [])
        for file in SourceTree.files(of: module) {
            for (name, index) in file.imports where !allowed.contains(name) {
                Issue.record("\(file.place(index)): \(module) may not import \(name); allowed: \(allowed.sorted())")
            }
        }
    }

    @Test func `Pure modules import nothing but pure modules`() {
        for module in ImportTable.pure.sorted() {
            #expect(ImportTable.rows[module]?.isSubset(of: ImportTable.pure) == true, "the row of \(module) crosses the pure line")
            #expect(ImportTable.system[module] == nil, "\(module) is pure: it has no use for the system")
        }
    }

    @Test func `No role imports a role`() {
        for role in ImportTable.roles.sorted() {
            #expect(ImportTable.rows[role]?.isDisjoint(with: ImportTable.roles) == true, "the row of \(role) names a role")
        }
    }

    @Test func `The table has no circle`() {
        var rest = ImportTable.rows
        while let free = rest.keys.sorted().first(where: { rest[$0]?.isEmpty == true }) {
            rest[free] = nil
            for module in rest.keys { rest[module]?.remove(free) }
        }
        #expect(rest.isEmpty, "these import one another in a circle: \(rest.keys.sorted())")
    }

    @Test func `Import lines of every shape are read`() {
        let file = SourceFile(
            path: "x.swift",
            lines: [
                "import Timing", "@testable import Wire", "package import Linux", "import struct Formats.Value", "// import Glibc",
                "important()",
            ])
        #expect(file.imports.map(\.module) == ["Timing", "Wire", "Linux", "Formats"])
        #expect(file.place(0) == "x.swift:1")
    }
}
