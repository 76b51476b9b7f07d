import Linux

/// What `kubectl` needs to reach the instance.
package enum Kubeconfig {
    /// No credentials: over plain HTTP kubectl sends none; who may connect is decided by the user that owns the connection.
    package static func text(server: SocketAddress) -> String {
        """
        apiVersion: v1
        kind: Config
        clusters:
        - name: steady
          cluster:
            server: http://\(server)
        users:
        - name: steady
          user: {}
        contexts:
        - name: steady
          context:
            cluster: steady
            user: steady
            namespace: default
        current-context: steady

        """
    }
}
