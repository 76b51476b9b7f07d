import Formats
import Linux
import Resources
import Simulation
import Timing

/// `steady simulate`: what becomes of an application when things fail, before they do. It needs no instance.
enum SimulateVerb {
    static let verb = Verb(
        "simulate", group: .other, summary: "Let things fail around a manifest, in virtual time, and say what would help",
        usage: "-f FILE ...",
        notes: """
            Runs the manifest in a simulated instance: the same decisions as a real one, simulated programs, virtual time. Each scenario lets one
            thing fail once, at a random moment of what goes on; each seed is another moment, place and pace. Clients send all the while.
            A scenario is survived when all replicas come back and every request is answered, but for those that went down WITH THE FAULT: in
            flight at what crashed, taken by what hung before anybody could know, or answered with an error by one that had not yet answered with
            enough of them to be ejected (as many in a row as its policy says, 5 at most). What is lost in a planned action always counts.
            What fails does so as soon as it can (what hangs has to run first); a seed in which it never could is not reached and gives no verdict.
            A run lasts until the fault is over and all is as wanted again; where nothing at all came of a fault at rest, the table says no effect;
            where --time ended before the fault did, fault not over: what comes of it later is not known.
            A forecast (--mtbf) lets things fail for years, each as often as you say, and counts what is lost as rate times time: between failures
            nothing is. Words: \(FailureRates.Cause.allCases.map(\.rawValue).joined(separator: ", ")). Without --faults and --during it comes alone.
            Where things fail all the time it stops after \(SimulationReport.grouped(Forecast.stepsOfYear)) steps of work for each of its years, of 10 at
            least, and says how far it came.

            Manifests are checked as apply checks them; what get -o yaml prints is one too. Secrets, ConfigMaps and Images that they only name are
            taken to be there, and a warning names them: without one of them the real pods wait and never start.
            Nothing is started and no instance is needed. The same seed gives the same result, on every machine.

            Faults: \(Drill.faults.map(\.rawValue).joined(separator: ", ")); none: only what is planned.
            During: \(SimulationOrder.occasionWords.joined(separator: ", ")).
            Exit codes: 0 all survived, 1 something did not or was never reached, 2 typed wrongly.
            """,
        examples: [
            ("everything that usually fails, at rest and during a rollout", "steady simulate -f app.yaml"),
            (
                "a zone is lost while a new version comes, 100 times",
                "steady simulate -f app.yaml --faults zone-loss --during rollout --seeds 100"
            ),
            ("only what is planned: rollouts, scaling, drains", "steady simulate -f app.yaml --faults none"),
            (
                "how many nines: a replica crashes once a month, a node fails every three, a zone once a year",
                "steady simulate -f app.yaml --mtbf crash=30d,node=90d,zone=1y --target 99.95"
            ),
            ("for CI: no timeline, all numbers", "steady simulate -f app.yaml -o json"),
        ],
        flags: [
            .files, .recursive,
            Flag("zones", nil, .value(placeholder: "LIST"), "zones, comma-separated (default: a,b,c)"),
            Flag("nodes-per-zone", nil, .value(placeholder: "N"), "nodes in each zone (default: 1)"),
            Flag("faults", nil, .value(placeholder: "LIST"), "what fails, comma-separated, or none (default: the usual ones)"),
            Flag("during", nil, .value(placeholder: "LIST"), "what goes on meanwhile, comma-separated (default: steady,rollout)"),
            Flag("seeds", nil, .value(placeholder: "N"), "runs of each scenario (default: 10, with --seed 1)"),
            Flag("seed", nil, .value(placeholder: "S"), "the first seed; alone: only this one, to see a run again"),
            Flag("load", nil, .value(placeholder: "RPS"), "requests per second in all (default: 50; 0: none)"),
            Flag(
                "time", nil, .value(placeholder: "DURATION"),
                "how long a run may take to recover, at least 5s (default: what probes, grace and start need, 60s to 15m)"),
            Flag("start-time", nil, .value(placeholder: "DURATION"), "how long the programs take to start (default: 20 to 400 ms)"),
            Flag("request-time", nil, .value(placeholder: "DURATION"), "how long they take to answer (default: 1 to 40 ms)"),
            Flag(
                "mtbf", nil, .value(placeholder: "LIST"),
                "forecast the availability; how often each thing fails, such as crash=30d,node=90d,zone=1y"),
            Flag("mttr", nil, .value(placeholder: "LIST"), "after how long it is repaired (default: node=10m,zone=1h,hang=1h)"),
            Flag("years", nil, .value(placeholder: "N"), "years of the forecast (default: 10)"),
            Flag(
                "target", nil, .value(placeholder: "PERCENT"),
                "the forecast fails below this availability, and where it stops before its years are over"),
            Flag("html", nil, .value(placeholder: "FILE"), "also write a report with charts, for a browser"),
            Flag("output", "o", .value(placeholder: "text|json"), "how the result is printed (default: text)"),
        ], run: { try run($0) })

    private static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let order = try SimulationOrder(invocation)
        let years = (order.forecast?.yearCount ?? 0) * SimulationOrder.ticksOfYear
        let progress = SimulationProgress(invocation.terminal, total: order.drills.count * order.seeds.count + years)
        var verdicts: [Verdict] = []
        for drill in order.drills { verdicts.append(order.verdict(drill, order.scenario.objects, progress)) }
        let remedy = Remedy.find(verdicts, objects: order.scenario.objects) { drill, objects in
            progress.expect(order.seeds.count)
            return order.verdict(drill, objects, progress)
        }
        var forecast: ForecastReport?
        if let wanted = order.forecast {
            forecast = ForecastReport(
                forecast: try order.forecast(wanted, progress), wantedYearCount: wanted.yearCount, target: wanted.target)
        }
        progress.clear()
        let report = SimulationReport(order: order, verdicts: verdicts, remedy: remedy, forecast: forecast)
        if let path = order.page {
            do throws(LinuxError) {
                try Files.replace(path, with: Array(SimulationPage(report: report).text.utf8), mode: 0o644)
            } catch { throw CommandError("--html: \(error)") }
        }
        invocation.terminal.write(order.isJSON ? JSON.text(report.value, pretty: true) + "\n" : report.text(invocation.terminal))
        return verdicts.allSatisfy(\.isSurvived) && forecast?.isReached ?? true ? 0 : 1
    }
}

/// One line that says how far it is, on terminals only.
final class SimulationProgress {
    private let terminal: Terminal
    private var done = 0
    private var total: Int
    private static let width = 24

    init(_ terminal: Terminal, total: Int) {
        self.terminal = terminal
        self.total = total
    }

    /// More is to be done than was known.
    func expect(_ count: Int) { total += count }

    func next(_ what: String) {
        done += 1
        guard terminal.isInteractive else { return }
        let filled = Self.width * done / max(1, total)
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
        terminal.write("\r\u{1B}[K" + "[\(bar)] \(done) of \(total): \(what)".cut(toColumns: terminal.width - 1))
    }

    func clear() { if terminal.isInteractive { terminal.write("\r\u{1B}[K") } }
}
