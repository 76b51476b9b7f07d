import Linux
import Testing

@testable import Commands

struct `steady doctor` {
    @Test func `says of each limit whether it holds, what holds instead, and what to do`() {
        let table: [(LimitProspect, isGood: Bool, words: String, remedy: String)] = [
            (.holds(version: 2), true, "hold (cgroup v2)", ""), (.holds(version: 1), true, "hold (cgroup v1)", ""),
            (.crowded(group: "/g/s"), false, "other programs are in /g/s", "Delegate=yes steady up"),
            (.foreign(directory: "/g/s"), false, "/g/s is not ours to write", "steady install --user"),
            (.withheld(group: "/g/s"), false, "/g/s was not given this controller", "> /g/cgroup.subtree_control"),
            (.absent, false, "no control groups with this controller are mounted", "mount -t cgroup2"),
        ]
        for (prospect, isGood, words, remedy) in table {
            for (controller, instead) in [
                ("memory", "by itself"), ("cpu", "not enforced"), ("pids", Processes.isRoot ? "not bounded" : "all programs together"),
            ] {
                let finding = DoctorVerb.limit(controller, prospect)
                #expect(finding.name == "limits: \(controller)")
                #expect(finding.verdict == (isGood ? .good : .limited))
                #expect(finding.words.contains(words) && finding.words.contains(instead) == !isGood, "\(finding.words)")
                #expect(remedy.isEmpty ? finding.remedy.isEmpty : finding.remedy.contains(remedy), "\(finding.remedy)")
            }
        }
    }
}
