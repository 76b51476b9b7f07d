extension Pod {
    /// The ConfigMaps and Secrets that its environment and its volumes are made from, whether they are there or not. Sorted.
    package var references: [ObjectKey] {
        var found: Set<ObjectKey> = []
        func add(_ type: ResourceType, _ name: String) {
            if !name.isEmpty { found.insert(ObjectKey(type, namespace: meta.namespace, name: name)) }
        }
        for container in spec.initContainers + spec.containers {
            for variable in container.env {
                switch variable.source {
                case .configMapKey(let name, _, _): add(.configMaps, name)
                case .secretKey(let name, _, _): add(.secrets, name)
                case .field, .resource, nil: continue
                }
            }
            for all in container.envFrom {
                switch all.source {
                case .configMap(let name): add(.configMaps, name)
                case .secret(let name): add(.secrets, name)
                case nil: continue
                }
            }
        }
        for volume in spec.volumes {
            switch volume.source {
            case .configMap(let name, _): add(.configMaps, name)
            case .secret(let name, _): add(.secrets, name)
            case .projected(let sources, _):
                for source in sources {
                    switch source {
                    case .configMap(let name, _): add(.configMaps, name)
                    case .secret(let name, _): add(.secrets, name)
                    case .downwardAPI: continue
                    }
                }
            case .emptyDir, .hostPath, .downwardAPI, .unsupported: continue
            }
        }
        return found.sorted()
    }
}
