import Formats
import Registry
import Resources
import Timing

/// What was published survives every crash, and nothing comes back that was never submitted.
final class AcknowledgedWrites: Check {
    let name = "acknowledged writes survive"
    private var published: [ObjectKey: (revision: Revision, isRemoved: Bool)] = [:]
    private var highest = Revision.zero
    /// Revisions of everything that was handed to the disk.
    private var submitted: Set<Revision> = []
    private var lastRemoval: [String: Revision] = [:]

    func observe(_ observation: Observation, in world: World) {
        switch observation {
        case .submitted(let records):
            for record in records {
                submitted.insert(record.revision)
                if record.head.first == RegistryRecord.Operation.remove.rawValue {
                    lastRemoval[String(decoding: record.head.dropFirst(), as: UTF8.self)] = record.revision
                }
            }
        case .published(let event, _, _):
            highest = max(highest, event.revision)
            if event.type.isDurable { published[event.key] = (event.revision, event.isDeletion) }
        case .recovered(let registry, let bootstrapped):
            compare(registry, world)
            for event in bootstrapped {
                submitted.insert(event.revision)
                published[event.key] = (event.revision, event.isDeletion)
            }
        default: break
        }
    }

    private func compare(_ registry: Registry, _ world: World) {
        if registry.revision <= highest {
            world.violate(name, "revision \(registry.revision) is given out again; \(highest) was seen by others")
        }
        for key in published.keys.sorted() {
            guard let (revision, isRemoved) = published[key] else { continue }
            let removal = lastRemoval["\(key.type.group)/\(key.type.plural)\0\(key.namespace)\0\(key.name)\0"] ?? .zero
            let found = registry.object(key)?["metadata"]["resourceVersion"].string.flatMap { Revision($0) }
            switch (found, isRemoved) {
            case (nil, false) where removal <= revision:
                return world.violate(name, "\(key) was written at \(revision) and is gone after recovery")
            case (let found?, false) where found < revision:
                return world.violate(name, "\(key) was written at \(revision) and came back as of \(found)")
            case (let found?, true) where found <= revision:
                return world.violate(name, "\(key) was removed at \(revision) and came back as of \(found)")
            case (let found?, _):
                if !submitted.contains(found) { return world.violate(name, "\(key) came back at \(found), which nobody wrote") }
                published[key] = (found, false)
            case (nil, _): published[key] = (max(revision, removal), true)
            }
        }
    }
}

/// Nothing is seen by anybody before it is on the disk.
final class DurableReads: Check {
    let name = "nothing undurable is read"

    func observe(_ observation: Observation, in world: World) {
        guard case .published(let event, _, let disk) = observation, event.type.isDurable else { return }
        if event.revision > disk.syncedRevision {
            world.violate(name, "\(event.key) is published at \(event.revision); the disk has \(disk.syncedRevision)")
        }
    }
}

/// Every field has one writer.
final class OneWriter: Check {
    let name = "one writer per field"

    func observe(_ observation: Observation, in world: World) {
        guard case .published(let event, let writer, _) = observation, event.type.isDurable, !event.isDeletion, writer != .registry,
            let previous = event.previous
        else { return }
        let trespasses = Writers.trespasses(by: writer, from: previous, to: event.object, event.type)
        if !trespasses.isEmpty { world.violate(name, "\(writer.rawValue) wrote \(trespasses.joined(separator: ", ")) of \(event.key)") }
    }
}
