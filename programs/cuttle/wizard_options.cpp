#include "programs/cuttle/wizard_options.hpp"

namespace cuttle {

CLI::App* add_wizard(CLI::App& app, wizard_options& x) {
  auto* it = app.add_subcommand(
    "wizard", "Ask what a new worker shall be, check it against the server, "
              "and print or run the command that installs it");
  auto file = [&](const char* name, auto& into, const char* what) {
    it->add_option(name, into, what)->check(CLI::ExistingFile);
  };
  it->add_option("--server", x.server, "Address of the Octopus Server");
  file("--api-key-file", x.api_key_file, "File with an API key");
  file("--token-file", x.token_file, "File with a bearer token");
  it->add_option("--username", x.username, "User, with --password-file");
  file("--password-file", x.password_file, "File with the user's password");
  file("--ca-file", x.ca_file, "PEM of an authority to trust");
  it->add_option("--space", x.space, "Name of the space");
  it->add_option("--name", x.name, "Name of the worker");
  it->add_option("--pool", x.pools, "Worker pool; may be given several times");
  it->add_flag("--create-pools", x.create_pools,
               "Create pools that do not exist");
  it->add_option("--policy", x.policy, "Machine policy");
  it->add_option("--comms", x.comms,
                 "Polling address; once for each node of the server");
  it->add_option("--proxy-host", x.proxy_host, "HTTP proxy for the worker");
  it->add_option("--proxy-port", x.proxy_port, "Its port")
    ->check(CLI::Range(1, 65'535));
  it->add_option("--proxy-username", x.proxy_username, "Its user");
  file("--proxy-password-file", x.proxy_password_file,
       "File with the proxy's password");
  it->add_option("-n,--namespace", x.namespace_name, "Namespace of the worker");
  it->add_option("--release", x.release, "Name of the Helm release");
  it->add_option("--storage-class", x.storage_class, "Storage class");
  it->add_option("--access-mode", x.access_mode,
                 "ReadWriteOnce or ReadWriteMany");
  it->add_option("--credential-secret", x.credential_secret,
                 "Existing secret with the credential");
  it->add_flag("--namespaced-roles", x.namespaced_roles,
               "No roles for the whole cluster");
  it->add_flag("--keep-api-key", x.keep_api_key,
               "Hand out the API key instead of a token for an hour");
  it->add_flag("--take-over", x.take_over, "A worker of that name may exist");
  it->add_option("--chart", x.chart, "Folder or reference of the chart")
    ->capture_default_str();
  it->add_option("--chart-version", x.chart_version, "Its version")
    ->capture_default_str();
  it->add_option("--format", x.format,
                 "bash, powershell, values, terraform, flux or argocd")
    ->capture_default_str();
  it->add_option("-o,--output", x.output,
                 "File instead of standard output; only you may read it");
  file("--kubeconfig", x.kubeconfig,
       "Check the namespace there, and use it with --run");
  it->add_flag("--run", x.run, "Run helm and wait until the worker is healthy");
  auto* web
    = it->add_flag("--web", x.web,
                   "Ask on a page of this machine's loopback, and print "
                   "its address");
  it->add_option("--port", x.port, "Port of the page; 0 for any")
    ->check(CLI::Range(0, 65'535))
    ->needs(web);
  it->add_option("--helm", x.helm, "Path of helm")->capture_default_str();
  it->add_option_function<unsigned>(
      "--timeout",
      [&x](const unsigned& seconds) {
        x.timeout = std::chrono::seconds{seconds};
      },
      "Seconds for --run; 600")
    ->check(CLI::Range(1u, 86'400u));
  return it;
}

} // namespace cuttle
