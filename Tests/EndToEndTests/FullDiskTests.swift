import Foundation
import Testing

extension Transcripts {
    /// The real program on a file system of its own that is full: a tmpfs in a mount namespace, which goes away with the script.
    @Suite(.serialized) struct FullDiskTests {
        /// Prints a title before each part, and what happened.
        private static let script = #"""
            D=$1; S="timeout 60 $2/steady"; export STEADY_DATA_DIR=$D/d HOME=$D
            mount -t tmpfs -o size=12m,mode=755 tmpfs "$D" || exit 77
            trap '$S down --purge >/dev/null 2>&1' EXIT
            fill() { dd if=/dev/zero of=$D/fill bs=4k 2>/dev/null; }
            pid() { $S describe pod p | grep -m1 'Container ID' | grep -o '[0-9]*$'; }
            child() { ps --no-headers -o pid,args --ppid $(head -1 $D/d/roles/agent-a1.lock) | awk '/sleep 1000/ { print $1 }'; }
            await() { i=0; until eval "$1"; do i=$((i+1)); [ $i -gt 1200 ] && return 1; sleep 0.05; done; }
            $S up --detach --zones a >/dev/null || exit 1
            echo '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[
                {"name":"c","image":"x","command":["/bin/sleep","1000"]}]}}' | $S apply -f - >/dev/null
            $S wait --for=condition=Ready pod/p --timeout 90s >/dev/null
            big=$(head -c 60000 /dev/zero | tr '\0' x)
            fill
            echo "== writes"
            i=0; while [ $i -lt 60 ]; do i=$((i+1)); $S create configmap c$i --from-literal a=$big 2>&1 >/dev/null || { echo "exit $?"; break; }; done
            echo "== reads"
            $S get pods --no-headers | awk '{ print $1, $2, $3 }'
            echo "== supervision"
            old=$(pid); kill -9 $old
            await '[ -n "$(child)" ] && [ "$(child)" != "$old" ]' && echo healed
            echo "== back"
            old=$(head -1 $D/d/up.lock); kill -9 $old
            await 'new=$(head -1 $D/d/up.lock); [ -n "$new" ] && [ "$new" != "$old" ] && $S status | grep -q ^INSTANCE' && echo up
            kill -9 $(head -1 $D/d/roles/server.lock)
            await '$S get pods --no-headers 2>/dev/null | grep -q 1/1' && echo server
            $S create configmap more --from-literal a=$big >/dev/null 2>&1
            $S status | grep -o 'STORE  refuses writes'
            echo "== again"
            rm $D/fill
            await '$S create configmap again --from-literal a=b >/dev/null 2>&1'; $S get configmap again --no-headers | awk '{ print $1 }'
            echo "== upgrade"
            cat > $D/new <<.
            #!/bin/sh
            $2/steady formats | sed 's/"version":"[^"]*"/"version":"0.9.9"/; s/,"identity".*/}/'
            .
            chmod +x $D/new
            $S upgrade --binary $D/new 2>&1; echo "exit $?"; ls $D/d/snapshots
            fill; $S upgrade --binary $D/new 2>&1; echo "exit $?"; ls $D/d/snapshots
            echo "== up"
            $S down >/dev/null 2>&1; fill
            $S up --detach 2>&1; echo "exit $?"
            rm $D/fill; $S up --detach >/dev/null; echo "exit $?"
            $S get pods --no-headers | awk '{ print $1 }'
            """#

        /// Whether this user may mount something where nobody else sees it.
        private static let canMount: Bool = {
            let probe = try? Command("/usr/bin/unshare", ["--mount", "--propagation", "private", "true"], environment: [:])
            return getuid() == 0 && probe?.finish().code == 0
        }()

        @Test(.enabled("a file system can be mounted only by root") { Self.canMount })
        func `On a full disk writes are refused with the remedy, reads and supervision go on, and room is all that it needs`() throws {
            let place = URL(fileURLWithPath: "/tmp/steady-full-\(UUID().uuidString.prefix(8))")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: place) }
            let run = try Command(
                "/usr/bin/unshare",
                ["--mount", "--propagation", "private", "/bin/sh", "-c", Self.script, "sh", place.path, Instance.products],
                environment: ["PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]
            ).finish(within: 600)
            let parts = Dictionary(
                uniqueKeysWithValues: run.out.components(separatedBy: "== ").dropFirst().map { part in
                    let lines = part.split(separator: "\n").map(String.init)
                    return (lines.first ?? "", Array(lines.dropFirst()))
                })
            let refused = parts["writes"] ?? []
            #expect(refused.count == 2 && refused.last == "exit 1", "\(run.text)")
            for words in ["No space left on device", "reads and supervision go on", "room", "/d/journal/"] {
                #expect(refused.first?.contains(words) == true, "\(run.text)")
            }
            #expect(parts["reads"] == ["p 1/1 Running"], "\(run.text)")
            #expect(parts["supervision"] == ["healed"], "\(run.text)")
            #expect(parts["back"] == ["up", "server", "STORE  refuses writes"], "\(run.text)")
            #expect(parts["again"] == ["again"], "\(run.text)")
            // The program itself has no room beside the state; then there is not even room for a snapshot.
            let upgrade = parts["upgrade"] ?? []
            #expect(upgrade.count == 6 && upgrade.filter { $0 == "exit 1" }.count == 2, "\(run.text)")
            #expect(upgrade.dropFirst().first?.hasPrefix("removed again: ") == true, "\(run.text)")
            #expect(upgrade.filter { $0.contains("No space left on device") }.count == 2, "\(run.text)")
            let up = parts["up"] ?? []
            #expect(up.first?.contains("No space left on device; make room") == true, "\(run.text)")
            #expect(up.dropFirst() == ["exit 1", "exit 0", "p"], "\(run.text)")
        }
    }
}
