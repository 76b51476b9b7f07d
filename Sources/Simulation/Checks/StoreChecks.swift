import Formats
import Registry
import Resources
import Timing

/// What was published survives every crash, and nothing comes back that was never submitted.
final class AcknowledgedWrites: Check {
    let name = "acknowledged writes survive"
    private var published: [ObjectKey: (revision: Revision, isRemoved: Bool)] = [:]
    private var objects: [ObjectKey: Value] = [:]
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
            guard event.type.isDurable else { return }
            published[event.key] = (event.revision, event.isDeletion)
            objects[event.key] = event.object
        case .recovered(let registry, let bootstrapped):
            compare(registry, world)
            for event in bootstrapped {
                submitted.insert(event.revision)
                published[event.key] = (event.revision, event.isDeletion)
                objects[event.key] = event.object
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
                if found == revision, let was = objects[key], let now = registry.object(key), let path = Self.difference(was, now) {
                    return world.violate(name, "\(key) was written at \(revision) and came back with another \(path)")
                }
                if !submitted.contains(found) { return world.violate(name, "\(key) came back at \(found), which nobody wrote") }
                published[key] = (found, false)
                objects[key] = registry.object(key)
            case (nil, _): published[key] = (max(revision, removal), true)
            }
        }
    }
}

extension AcknowledgedWrites {
    /// The path of the first field that is not the same.
    fileprivate static func difference(_ a: Value, _ b: Value, _ path: String = "") -> String? {
        guard a != b else { return nil }
        guard let left = a.object, let right = b.object else { return path }
        for name in Set(left.map(\.key)).union(right.map(\.key)).sorted() {
            if let found = difference(a[name], b[name], path + "." + name) { return found }
        }
        return path
    }
}

/// Nothing is seen by anybody before it is on the disk.
final class DurableReads: Check {
    let name = "nothing undurable is read"

    func observe(_ observation: Observation, in world: World) {
        switch observation {
        case .published(let event, _, let disk):
            if event.type.isDurable, event.revision > disk.syncedRevision {
                world.violate(name, "\(event.key) is published at \(event.revision); the disk has \(disk.syncedRevision)")
            }
        case .read(let request, let reply):
            guard request.type?.isDurable ?? false else { return }
            for object in [reply.object] + reply.items {
                guard let revision = object["metadata"]["resourceVersion"].string.flatMap({ Revision($0) }),
                    !object["metadata"]["uid"].isNull, revision > world.disk.syncedRevision
                else { continue }
                return world.violate(
                    name, "\(object["metadata"]["name"].string ?? "") is read at \(revision); the disk has \(world.disk.syncedRevision)")
            }
        default: break
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
