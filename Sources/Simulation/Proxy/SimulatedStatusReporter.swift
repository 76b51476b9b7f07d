import Formats
import Resources
import Timing
import Traffic

/// Writes a proxy's `ProxyStatus` as `StatusWriting` says.
final class SimulatedStatusReporter {
    private let api: any SimulatedAPI
    var takeReport: () -> [Router.Draining] = { [] }
    var refusals: () -> [NodeInquiry.Refusal] = { [] }
    private var machine: StatusWriting

    init(_ api: any SimulatedAPI, name: String) {
        self.api = api
        machine = StatusWriting(proxy: name)
    }

    func routes(by revision: Revision) { if machine.routes(by: revision) { plan() } }

    func serverWasLost() { if machine.serverWasLost() { plan() } }

    func report() { if machine.report() { plan() } }

    private func plan() {
        api.world.later(for: api.life) { [self] in
            if let status = machine.turn(takeReport, refusals) { write(status, isNew: false) }
        }
    }

    private func writeIfDue() { if let status = machine.next(takeReport, refusals) { write(status, isNew: false) } }

    private func write(_ status: Value, isNew: Bool) {
        api.perform(machine.request(status, isNew: isNew), by: .proxy) { [self] result in
            switch result {
            case .success:
                machine.written(status)
                writeIfDue()
            case .failure(let error) where error.code == 404 && !isNew: write(status, isNew: true)
            case .failure:
                api.world.schedule(after: machine.failed(), for: api.life) { [self] in
                    machine.retry()
                    writeIfDue()
                }
            }
        }
    }
}
