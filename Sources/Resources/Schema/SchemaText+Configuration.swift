/// ConfigMaps, Secrets and Steady's own kinds.
extension SchemaText {
    static let configuration = """
        ConfigMap | Names and texts that programs read.
          data {string}
          binaryData {bytes} | Base64.
          immutable bool | Can never be changed again.
        Secret | Names and bytes that programs read and others should not.
          data {bytes} | Base64.
          stringData {string} | Plain texts; the server moves them into data.
          type string
          immutable bool | Can never be changed again.
        """

    static let steady = """
        Image | Says what a container's image means: which program is started, and how.
          spec! ImageSpec
        ImageSpec
          reference! string | What manifests write as image; web, web:latest and docker.io/library/web:latest are one.
          command [string] | The program, by its absolute path, and its first arguments.
          args [string] | Further arguments; a container's replace them.
          workingDir string | An absolute path; the pod's own directory where absent.
          env [EnvVar by name] | Environment; a container's wins.
          ports [ContainerPort by containerPort] | Ports the program listens on.
        ProxyStatus | What one proxy routes by, what it still has to finish, and where nobody accepts.
          spec ProxySpec
          status ProxyStatusStatus
        ProxySpec
          node string
        ProxyStatusStatus
          routeRevision string | Every change of Services and EndpointSlices up to this revision is in its table.
          endpoints [ProxyEndpoint] | Terminating endpoints with open exchanges.
          activeFlows int
          refusals [ProxyRefusal by node] | Nodes whose agent is away and of whose ready endpoints none accepts connections.
          conditions [Condition by type]
        ProxyEndpoint
          address! string
          activeExchanges int
          activeFlows int
        ProxyRefusal
          node! string
          absence! string | The absence of the node's agent during which it was found.
        """
}
