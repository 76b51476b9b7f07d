import APIClient
import Formats
import Linux
import Resources
import Timing
import Traffic

/// Writes the proxy's `ProxyStatus` as `StatusWriting` says: the revision it routes by, what is still open at endpoints that get nothing new, and where
/// nobody accepts.
final class StatusReporter {
    private let api: any ResourceAPI
    private let takeReport: () -> [Router.Draining]
    /// The nodes whose endpoints refuse, by the table of the revision.
    var refusals: () -> [NodeInquiry.Refusal] = { [] }
    private var machine: StatusWriting
    private var retry: EventLoop.Timer?
    /// The server has what was written; called for each write.
    var onWritten: () -> Void = {}

    /// `takeReport` seals what it leaves out, see `Router.drainReport`: it is called for each write.
    init(api: any ResourceAPI, name: String, takeReport: @escaping () -> [Router.Draining]) {
        self.api = api
        machine = StatusWriting(proxy: name)
        self.takeReport = takeReport
    }

    /// A table that knows everything up to this revision is in force. Call it AFTER the dataplane has it.
    func routes(by revision: Revision) { if machine.routes(by: revision) { plan() } }

    /// The server was lost and may have forgotten what it was told.
    func serverWasLost() { if machine.serverWasLost() { plan() } }

    /// Something that the status tells has changed. Written at the end of this turn.
    func report() { if machine.report() { plan() } }

    func stop() {
        retry?.cancel()
        machine.stop()
    }

    private func plan() {
        api.loop.later { [weak self] in
            guard let self, let status = machine.turn(takeReport, refusals) else { return }
            write(status, isNew: false)
        }
    }

    private func writeIfDue() { if let status = machine.next(takeReport, refusals) { write(status, isNew: false) } }

    private func write(_ status: Value, isNew: Bool) {
        api.perform(machine.request(status, isNew: isNew)) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success:
                machine.written(status)
                onWritten()
                writeIfDue()
            case .failure(let error) where error.code == 404 && !isNew: write(status, isNew: true)
            case .failure:
                retry = api.loop.schedule(after: machine.failed()) { [weak self] in
                    self?.machine.retry()
                    self?.writeIfDue()
                }
            }
        }
    }
}
