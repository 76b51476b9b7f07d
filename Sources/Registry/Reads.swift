import Formats
import Resources

extension Registry {
    /// The durable state of an object, or of its subresource.
    func get(_ key: ObjectKey, _ subresource: ResourceType.Subresource?) throws(StatusError) -> Value {
        guard let object = keyspace.durable(Slot(key)) else { throw .notFound(key) }
        switch subresource {
        case nil, .status:
            return object.value
        case .scale:
            try requireSubresource(.scale, of: key)
            return Scale.object(of: object.value)
        case .log, .eviction, .restart, .binding:
            throw .badRequest("\(key.type.plural)/\(subresource?.rawValue ?? "") is not read from the store")
        }
    }

    /// The durable objects that match, by namespace and name, with the revision at which they were all true together.
    package func list(_ list: ListRequest) -> Reply {
        Reply(.list(type: list.type, items: keyspace.durableObjects(matching: list).map(\.value), revision: revision))
    }

    /// The state that reads see, without a copy of anything.
    package func object(_ key: ObjectKey) -> Value? { keyspace.durable(Slot(key))?.value }

    func requireSubresource(_ subresource: ResourceType.Subresource, of key: ObjectKey) throws(StatusError) {
        guard key.type.subresources.contains(subresource) else {
            throw StatusError(
                code: 404, reason: "NotFound",
                message: "\(key.type.qualifiedName) have no subresource \(subresource.rawValue)"
                    + (key.type.subresources.isEmpty
                        ? "" : "; they have \(key.type.subresources.map(\.rawValue).joined(separator: ", "))"))
        }
    }
}
