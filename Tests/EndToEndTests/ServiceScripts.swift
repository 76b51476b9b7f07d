/// What the tests of Services run and apply.
enum ServiceScripts {
    /// Answers at every port that it is given with its pod's name and that port.
    static let server = """
        import http.server, os, sys, threading
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def do_GET(self):
                body = f"{os.environ['POD_NAME']} {self.server.server_port}\\n".encode()
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *words): pass
        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 128
        for port in sys.argv[1:]:
            threading.Thread(target=Server(('0.0.0.0', int(port)), Handler).serve_forever).start()
        """

    /// Pods that listen at 8080 and 9090, the first named `first`; `probe` decides whether they become Ready.
    static func deployment(_ name: String, script: String, replicas: Int, probe: String) -> String {
        Workload.deployment(
            name, replicas: replicas,
            containers: """
                - name: main
                  image: none
                  command: [/usr/bin/python3, "\(script)", "8080", "9090"]
                  ports: [{name: first, containerPort: 8080}, {name: second, containerPort: 9090}]
                  readinessProbe: {\(probe), periodSeconds: 1}
                """)
    }

    static func service(_ name: String, _ spec: String) -> String {
        "apiVersion: v1\nkind: Service\nmetadata: {name: \(name)}\nspec: {\(spec)}\n---\n"
    }

    /// A server of HTTP/2 without TLS, and one of TLS, whose certificate only it has.
    static func passing(directory: String, http2: Int, tls: Int) -> String {
        let nginx = """
            daemon off; pid /tmp/nginx.pid; error_log stderr;
            events {}
            http { access_log off; server { listen 0.0.0.0:8080 http2; location / { return 200 "$server_protocol $http2\\n"; } } }
            """
        return """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: nginx}
            data:
              nginx.conf: |
            \(nginx.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n").replacingOccurrences(of: "/tmp/", with: directory + "/"))
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: http2, labels: {app: http2}}
            spec:
              terminationGracePeriodSeconds: 2
              volumes: [{name: config, configMap: {name: nginx}}]
              containers:
              - name: main
                image: none
                command: [/bin/sh, -c, "exec /usr/sbin/nginx -c $MOUNT_config/nginx.conf -p \(directory)"]
                volumeMounts: [{name: config, mountPath: /etc/nginx}]
                readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: tls, labels: {app: tls}}
            spec:
              terminationGracePeriodSeconds: 2
              containers:
              - name: main
                image: none
                command: [/usr/bin/openssl, s_server, -accept, "8443", -cert, "\(directory)/cert.pem", -key, "\(directory)/key.pem", -www, -quiet]
                readinessProbe: {tcpSocket: {port: 8443}, periodSeconds: 1}
            ---
            \(service("http2", "type: NodePort, selector: {app: http2}, ports: [{port: 80, targetPort: 8080, nodePort: \(http2)}]"))
            \(service("tls", "type: NodePort, selector: {app: tls}, ports: [{port: 443, targetPort: 8443, nodePort: \(tls)}]"))
            """
    }
}
