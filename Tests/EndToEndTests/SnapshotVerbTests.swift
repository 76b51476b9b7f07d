import Foundation
import Journal
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    /// The whole state as a file: saved, looked at, brought back, and refused where it must be.
    @Suite(.serialized) struct SnapshotVerbTests {
        private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

        private func names(in path: String) -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

        /// The revision and the number of objects that a line of `save`, `restore` or `inspect` tells.
        private func contents(_ file: String, _ instance: Instance) throws -> [String: Any] {
            let json = try instance.steady("snapshot inspect \(file) -o json")
            return try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        }

        @Test(arguments: Account.available)
        func `What a snapshot holds runs again after all was purged, and takes the place of what is stored`(account: Account) throws {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            try instance.up()
            try instance.steady("create configmap kept --from-literal a=b")
            let file = instance.directory + "/s.steady"

            // Of the running instance, while it goes on.
            let saved = try instance.steady("snapshot save \(file)")
            #expect(saved.contains("snapshot saved to \(file): revision "))
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600, "Secrets are in it")
            #expect(try instance.pods().map(\.isReady) == [true, true, true])
            let told = try instance.steady("snapshot inspect \(file)")
            for words in ["Checksums:  ok", "deployments.apps", "configmaps", "Size:  "] { #expect(told.contains(words), "\(told)") }
            let held = try contents(file, instance)
            #expect((held["objects"] as? [String: Int])?["pods"] == 3 && held["checksums"] as? String == "ok")

            // What would lose something is refused by name.
            #expect(
                try instance.steady("snapshot save \(file)", code: 1).contains(
                    "\(file) exists; choose another name, or replace it with --force"))
            try instance.steady("snapshot save \(file) --force")
            let running = try instance.steady("snapshot restore \(file)", code: 1)
            #expect(running.contains("an instance runs on \(instance.dataDirectory); stop it with: steady down"))
            #expect(try instance.steady("snapshot restore --replace \(file)", code: 1).contains("an instance runs on"))
            #expect(try instance.pods().map(\.isReady) == [true, true, true])

            // An empty machine.
            try instance.steady("down --purge")
            #expect(!exists(instance.dataDirectory))
            #expect(
                try instance.steady("snapshot save \(instance.directory)/none", code: 1).contains(
                    "no instance is kept in \(instance.dataDirectory)"))
            #expect(!exists(instance.dataDirectory) && !exists(instance.directory + "/none"), "a refusal makes nothing")
            let restored = try instance.steady("snapshot restore \(file)")
            #expect(restored.contains("restored revision \(try contents(file, instance)["revision"] ?? "?"), "))
            #expect(restored.contains("start it with: steady up"))
            try instance.steady("up --detach")
            try instance.wait("the replicas are ready again") { try instance.pods().filter(\.isReady).count == 3 }
            try instance.wait("the Service answers again") { (try? instance.ask())?.version == "v1" }
            #expect(try instance.steady("get configmap kept -o jsonpath={.data.a}").contains("b"))

            // In the place of what is stored, which is kept.
            try instance.steady("create configmap later --from-literal a=b")
            try instance.steady("down")
            let refused = try instance.steady("snapshot restore \(file)", code: 1)
            #expect(refused.contains("\(instance.dataDirectory) is not empty (it has ") && refused.contains("--replace"))
            let replaced = try instance.steady("snapshot restore --replace \(file)")
            let aside = names(in: instance.dataDirectory).filter { $0.hasPrefix("journal.replaced-") }
            #expect(aside.count == 1 && replaced.contains("what was there is kept as \(instance.dataDirectory)/\(aside.first ?? "?")"))
            try instance.steady("up --detach")
            try instance.wait("the Service answers once more") { (try? instance.ask())?.version == "v1" }
            try instance.steady("get configmap kept")
            #expect(try instance.steady("get configmap later", code: 1).contains("not found"))

            // Of the stopped instance.
            try instance.steady("down")
            let stopped = instance.directory + "/stopped.steady"
            #expect(try instance.steady("snapshot save \(stopped)").contains("snapshot saved to \(stopped)"))
            #expect((try contents(stopped, instance)["objects"] as? [String: Int])?["configmaps"] == 1)
            try instance.steady("down --purge")
            #expect(!exists(instance.dataDirectory), "purged, and what was put aside with it: \(names(in: instance.dataDirectory))")
        }

        @Test func `Nodes of a snapshot that the instance has no agents for are lost at once, and restore says how to have them`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            let file = instance.directory + "/s.steady"
            try instance.steady("up --detach --zones x,y --nodes-per-zone 2")
            try instance.steady("apply -f \(instance.manifest)")
            try instance.steady("rollout status deployment/web --timeout 90s")
            try instance.steady("snapshot save \(file)")
            #expect(try instance.steady("snapshot inspect \(file)").contains("Nodes:      2 in zone x, 2 in zone y\n"))
            try instance.steady("down --purge")

            #expect(try instance.steady("snapshot restore \(file)").contains("start it with: steady up --zones x,y --nodes-per-zone 2\n"))
            try instance.steady("up --detach")
            try instance.wait("the replicas are ready on nodes that live") {
                let pods = try instance.pods().filter(\.isReady)
                return pods.count == 3 && pods.allSatisfy { ["a1", "b1", "c1"].contains($0.node) }
            }
            // The lease of a node that is lost so was not waited for.
            for node in ["x1", "x2", "y1", "y2"] {
                let why = try instance.steady("get node \(node) -o jsonpath={.status.conditions[?(@.type==\"Ready\")].message}")
                #expect(why == "The node has no agent: the instance runs without it.")
            }
        }

        /// Another directory on the same machine: its slice of the addresses may be another one, as when it runs beside the first.
        @Test func `A snapshot restored beside the running instance runs with addresses of its own`() throws {
            let first = try Instance()
            defer { first.stop() }
            let second = try Instance()
            defer { second.stop() }
            try first.up()
            let file = first.directory + "/s.steady"
            try first.steady("snapshot save \(file)")
            try second.steady("snapshot restore \(file)")
            try second.steady("up --detach")
            try second.wait("the replicas are ready in the second") { try second.pods().filter(\.isReady).count == 3 }
            let address = "get service web -o jsonpath={.spec.clusterIP}"
            let addresses = [try first.steady(address), try second.steady(address)]
            #expect(Set(addresses).count == 2, "\(addresses)")
            try second.wait("the second's Service answers at its own address") {
                (try? HandRequest.once(host: addresses[1], port: 80, path: "/", accept: "application/json")) != nil
            }
            #expect(try first.pods().map(\.isReady) == [true, true, true])
        }

        @Test func `A stored state that is gone or damaged after a stop is missed, and the snapshot that is named brings it back`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            let (data, journal) = (instance.dataDirectory, instance.dataDirectory + "/journal")
            // Kept over the stops: others take the first ones that are free.
            try instance.steady("up --detach --zones a --block 13")
            try instance.steady("create configmap kept --from-literal a=b")
            try FileManager.default.createDirectory(atPath: data + "/snapshots", withIntermediateDirectories: true)
            let snapshot = data + "/snapshots/snapshot-2026-01-31T12-00-00Z-r1.steady"
            try instance.steady("snapshot save \(snapshot)")
            try instance.steady("create configmap later --from-literal a=b")

            // The last write before a stop, damaged: it is not taken for one that was cut off.
            try instance.steady("down")
            let segment = try #require(names(in: journal).last { $0.hasPrefix("segment-") })
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(journal)/\(segment)"))
            // Before the mark of the stop: a header and one byte.
            let mark = try #require(bytes.lastIndex { $0 != 0 }) - 24
            var damaged = bytes
            damaged[mark - 12] ^= 1
            try damaged.write(to: URL(fileURLWithPath: "\(journal)/\(segment)"))
            let refusal = try instance.steady("up --detach", code: 1)
            let remedy = "steady snapshot restore --replace \(snapshot);"
            #expect(refusal.contains("\(journal)/\(segment), offset ") && refusal.contains(remedy), "\(refusal)")
            try bytes.write(to: URL(fileURLWithPath: "\(journal)/\(segment)"))
            try instance.steady("up --detach")
            try instance.steady("get configmap later")

            // Put back as it was at the stop before.
            try instance.steady("down")
            try FileManager.default.copyItem(atPath: journal, toPath: journal + ".earlier")
            try instance.steady("up --detach")
            try instance.steady("create configmap latest --from-literal a=b")
            try instance.steady("down")
            try FileManager.default.moveItem(atPath: journal, toPath: journal + ".later")
            try FileManager.default.moveItem(atPath: journal + ".earlier", toPath: journal)
            let behind = try instance.steady("up --detach", code: 1)
            for part in ["\(journal): it ends at revision ", "\(journal).reached says that it has reached ", remedy] {
                #expect(behind.contains(part), "\(behind)")
            }
            try FileManager.default.removeItem(atPath: journal)
            try FileManager.default.moveItem(atPath: journal + ".later", toPath: journal)
            try instance.steady("up --detach")
            try instance.steady("get configmap latest")

            // All of its files gone.
            try instance.steady("down")
            for name in names(in: journal) { try FileManager.default.removeItem(atPath: "\(journal)/\(name)") }
            for _ in 0..<2 {
                let missed = try instance.steady("up --detach", code: 1)
                #expect(missed.contains("\(journal): no state is stored here, but \(data)/up.json says that there was one"), "\(missed)")
                #expect(missed.contains("steady snapshot restore --replace \(snapshot)"), "\(missed)")
            }
            try instance.steady("snapshot restore --replace \(snapshot)")
            try instance.steady("up --detach")
            try instance.steady("get configmap kept")
            #expect(try instance.steady("get configmap later", code: 1).contains("not found"))

            // What an older version does, which leaves the note: it restores, and its `up` writes a record without the key.
            try instance.steady("create configmap lost --from-literal a=b")
            try instance.steady("down")
            let (note, record) = (URL(fileURLWithPath: journal + ".reached"), URL(fileURLWithPath: data + "/up.json"))
            let noted = try Data(contentsOf: note)
            try instance.steady("snapshot restore --replace \(snapshot)")
            try noted.write(to: note)
            #expect(try instance.steady("up --detach", code: 1).contains("which the restore of an older version does as well"))
            var older = try #require(try JSONSerialization.jsonObject(with: try Data(contentsOf: record)) as? [String: Any])
            older["hasState"] = nil
            try JSONSerialization.data(withJSONObject: older).write(to: record)
            try instance.steady("snapshot save \(data)/snapshots/stopped.steady")
            try instance.steady("up --detach")
            try instance.steady("get configmap kept")
        }

        @Test func `What is damaged, cut off, newer or no snapshot is refused by name, and nothing is changed`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: SnapshotFixture.path)))
            let file = instance.directory + "/s.steady"
            var flipped = whole
            flipped[whole.count / 2] ^= 1
            let broken: [(bytes: [UInt8], words: String)] = [
                (flipped, "is damaged"), (Array(whole.dropLast(40)), "is damaged"), (Array(whole.prefix(64)), "the file ends here"),
                (whole + [1, 2, 3], "follow the last record"),
                (Array("kind: Deployment\n".utf8), "this is not the header of a snapshot"), ([], "this is not the header of a snapshot"),
                (SnapshotFixture.newer(whole), "it was written by a newer Steady (format "),
            ]
            for (bytes, words) in broken {
                try Data(bytes).write(to: URL(fileURLWithPath: file))
                for verb in ["inspect", "restore", "restore --replace"] {
                    let said = try instance.steady("snapshot \(verb) \(file)", code: 1)
                    #expect(
                        said.hasPrefix("error: \(file)") && said.contains(words) && said.contains("nothing was changed"), "\(verb): \(said)"
                    )
                }
                #expect(!exists(instance.dataDirectory))
            }
            // One that is whole is taken by the same words.
            try Data(whole).write(to: URL(fileURLWithPath: file))
            try instance.steady("snapshot restore \(file)")
            #expect(exists(instance.dataDirectory + "/journal"))
        }

        @Test func `A file that is not there or cannot be written is named, and the verbs say what they take`() throws {
            let instance = try Instance(as: Account.available.last ?? .own)
            defer { instance.stop() }
            let missing = instance.directory + "/missing.steady"
            for verb in ["inspect", "restore"] {
                #expect(try instance.steady("snapshot \(verb) \(missing)", code: 1).contains("\(missing): No such file or directory"))
                #expect(try instance.steady("snapshot \(verb)", code: 2).contains("takes the name of one file; found 0"))
                #expect(try instance.steady("snapshot \(verb) a b", code: 2).contains("takes the name of one file; found 2"))
            }
            #expect(try instance.steady("snapshot inspect \(instance.directory)", code: 1).contains("\(instance.directory)"))
            #expect(try instance.steady("snapshot inspect \(missing) -o yaml", code: 2).contains("allowed is json"))

            try instance.steady("up --detach")
            let nowhere = instance.directory + "/no/such/directory/s.steady"
            #expect(try instance.steady("snapshot save \(nowhere)", code: 1).contains("No such file or directory"))
            #expect(try instance.steady("snapshot save --force \(instance.directory)", code: 1).contains("is a directory"))
            if instance.account == .nobody || getuid() != 0 {
                #expect(try instance.steady("snapshot save /usr/s.steady", code: 1).contains("/usr/s.steady"))
            }
            // What somebody else calls by the name that the unfinished file has is left alone.
            let neighbour = instance.directory + "/s.steady.tmp"
            try instance.write("mine", to: neighbour)
            try instance.steady("snapshot save \(instance.directory)/s.steady")
            #expect(try String(contentsOfFile: neighbour, encoding: .utf8) == "mine")
            #expect(names(in: instance.directory).filter { $0.contains("s.steady") } == ["s.steady", "s.steady.tmp"])
        }
    }
}

/// A snapshot of this version that is kept with the tests.
private enum SnapshotFixture {
    static let path = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/formats/1.1/snapshot.steady").path

    /// The same with the next version of the layout, which comes at byte 8 of a header of 64 bytes that ends with its checksum.
    static func newer(_ bytes: [UInt8]) -> [UInt8] {
        var out = bytes
        out[8] += 1
        let checksum = Journals.checksum(Array(out[..<60]))
        for byte in 0..<4 { out[60 + byte] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * byte)) }
        return out
    }
}
