using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Halibut;
using Halibut.Diagnostics;
using Halibut.ServiceModel;
using Octopus.Tentacle.Contracts;
using Octopus.Tentacle.Contracts.Capabilities;
using Octopus.Tentacle.Contracts.KubernetesScriptServiceV1;
using Octopus.Tentacle.Contracts.Legacy;
using Octopus.Tentacle.Contracts.Services.FileTransfer;
using Octopus.Tentacle.Services.Capabilities;

namespace OctopusPeer;

/// <summary>Asynchronous face of the Kubernetes script contract, as the service side of Halibut wants it.</summary>
public interface IAsyncKubernetesScripts
{
    Task<KubernetesScriptStatusResponseV1> StartScriptAsync(StartKubernetesScriptCommandV1 command, CancellationToken cancellationToken);
    Task<KubernetesScriptStatusResponseV1> GetStatusAsync(KubernetesScriptStatusRequestV1 request, CancellationToken cancellationToken);
    Task<KubernetesScriptStatusResponseV1> CancelScriptAsync(CancelKubernetesScriptCommandV1 command, CancellationToken cancellationToken);
    Task CompleteScriptAsync(CompleteKubernetesScriptCommandV1 command, CancellationToken cancellationToken);
}

/// <summary>A worker without a cluster: scripts run as local bash processes, state lives in memory.</summary>
sealed class LocalWorker : IAsyncCapabilitiesServiceV2, IAsyncKubernetesScripts, IAsyncFileTransferService
{
    sealed class Script
    {
        public required ScriptTicket Ticket;
        public required string Directory;
        public Process? Process;
        public readonly List<ProcessOutput> Lines = new();
        public ProcessState State = ProcessState.Pending;
        public int ExitCode;
        public bool Cancelled;
    }

    readonly ConcurrentDictionary<string, Script> scripts = new(StringComparer.OrdinalIgnoreCase);
    readonly string home;

    public LocalWorker(string home) { this.home = Path.GetFullPath(home); Directory.CreateDirectory(this.home); }

    public Task<CapabilitiesResponseV2> GetCapabilitiesAsync(CancellationToken cancellationToken) =>
        Task.FromResult(new CapabilitiesResponseV2(new List<string> { nameof(IFileTransferService), nameof(IKubernetesScriptServiceV1) }));

    public async Task<KubernetesScriptStatusResponseV1> StartScriptAsync(StartKubernetesScriptCommandV1 command, CancellationToken cancellationToken)
    {
        if (command.ScriptBody.StartsWith("#peer:throw")) throw new InvalidOperationException("The worker was told to fail.");
        var script = new Script { Ticket = command.ScriptTicket, Directory = Path.Combine(home, "Work", command.ScriptTicket.TaskId) };
        if (!scripts.TryAdd(command.ScriptTicket.TaskId, script)) return Status(command.ScriptTicket, 0);
        Directory.CreateDirectory(script.Directory);
        foreach (var file in command.Files)
        {
            var target = Path.Combine(script.Directory, file.Name);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            if (file.EncryptionPassword == null) await file.Contents.Receiver().SaveToAsync(target, cancellationToken);
            else await file.Contents.Receiver().ReadAsync(async (s, ct) =>
            {
                using var reader = new StreamReader(s, Encoding.UTF8);
                await File.WriteAllBytesAsync(target, Vault.Encrypt(await reader.ReadToEndAsync(ct), file.EncryptionPassword), ct);
            }, cancellationToken);
        }
        var body = command.Scripts.TryGetValue(ScriptType.Bash, out var bash) ? bash : command.ScriptBody;
        await File.WriteAllTextAsync(Path.Combine(script.Directory, "Bootstrap.sh"), body.Replace("\r\n", "\n"), new UTF8Encoding(false), cancellationToken);

        var start = new ProcessStartInfo("bash") { WorkingDirectory = script.Directory, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(script.Directory, "Bootstrap.sh"));
        foreach (var a in command.Arguments ?? []) start.ArgumentList.Add(a);
        start.StandardOutputEncoding = start.StandardErrorEncoding = new UTF8Encoding(false);
        var process = Process.Start(start)!;
        script.Process = process;
        var pumps = Task.WhenAll(Pump(process.StandardOutput, ProcessOutputSource.StdOut), Pump(process.StandardError, ProcessOutputSource.StdErr));
        lock (script) script.State = ProcessState.Running;
        _ = Task.Run(async () =>
        {
            await pumps; await process.WaitForExitAsync(CancellationToken.None);
            lock (script) { script.ExitCode = script.Cancelled ? ScriptExitCodes.CanceledExitCode : process.ExitCode; script.State = ProcessState.Complete; }
        }, CancellationToken.None);
        return new KubernetesScriptStatusResponseV1(script.Ticket, ProcessState.Pending, 0,
            new List<ProcessOutput> { new(ProcessOutputSource.Debug, "Started a local process instead of a pod.") }, 0);

        async Task Pump(StreamReader reader, ProcessOutputSource source)
        {
            while (await reader.ReadLineAsync(CancellationToken.None) is { } line)
                lock (script) script.Lines.Add(new ProcessOutput(source, line));
        }
    }

    public Task<KubernetesScriptStatusResponseV1> GetStatusAsync(KubernetesScriptStatusRequestV1 request, CancellationToken cancellationToken) =>
        Task.FromResult(Status(request.ScriptTicket, request.LastLogSequence));

    public async Task<KubernetesScriptStatusResponseV1> CancelScriptAsync(CancelKubernetesScriptCommandV1 command, CancellationToken cancellationToken)
    {
        if (scripts.TryGetValue(command.ScriptTicket.TaskId, out var script))
        {
            lock (script) if (script.State != ProcessState.Complete) script.Cancelled = true;
            try { script.Process?.Kill(true); } catch (InvalidOperationException) { }
            for (var i = 0; i < 50; i++) { lock (script) if (script.State == ProcessState.Complete) break; await Task.Delay(20, CancellationToken.None); }
        }
        return Status(command.ScriptTicket, command.LastLogSequence);
    }

    public Task CompleteScriptAsync(CompleteKubernetesScriptCommandV1 command, CancellationToken cancellationToken)
    {
        if (scripts.TryRemove(command.ScriptTicket.TaskId, out var script))
        {
            try { script.Process?.Kill(true); } catch (InvalidOperationException) { }
            try { Directory.Delete(script.Directory, true); } catch (IOException) { }
        }
        return Task.CompletedTask;
    }

    KubernetesScriptStatusResponseV1 Status(ScriptTicket ticket, long after)
    {
        if (!scripts.TryGetValue(ticket.TaskId, out var script))
            return new KubernetesScriptStatusResponseV1(ticket, ProcessState.Complete, ScriptExitCodes.KubernetesScriptPodNotFound,
                new List<ProcessOutput> { new(ProcessOutputSource.StdErr, "There is no script with this ticket.") }, after);
        lock (script)
        {
            const int Budget = 2_000_000;
            var lines = new List<ProcessOutput>();
            var size = 0;
            foreach (var line in script.Lines.Skip((int)Math.Min(after, script.Lines.Count)))
            {
                if (size > Budget) break;
                lines.Add(line); size += line.Text.Length + 32;
            }
            var next = Math.Max(after, after + lines.Count);
            var all = next >= script.Lines.Count;
            var state = script.State == ProcessState.Complete && !all ? ProcessState.Running : script.State;
            return new KubernetesScriptStatusResponseV1(script.Ticket, state, state == ProcessState.Complete ? script.ExitCode : 0, lines, next);
        }
    }

    string Resolve(string path)
    {
        path = path.Replace('\\', '/');
        return Path.GetFullPath(Path.IsPathRooted(path) ? path : Path.Combine(home, path));
    }

    public async Task<UploadResult> UploadFileAsync(string remotePath, DataStream upload, CancellationToken cancellationToken)
    {
        var path = Resolve(remotePath);
        if (upload is null) return new UploadResult(path, null!, 0);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await upload.Receiver().SaveToAsync(path, cancellationToken);
        await using var stored = File.OpenRead(path);
        var hash = Convert.ToHexStringLower(await SHA1.HashDataAsync(stored, cancellationToken));
        return new UploadResult(path, hash, stored.Length);
    }

    public Task<DataStream> DownloadFileAsync(string remotePath, CancellationToken cancellationToken)
    {
        var path = Resolve(remotePath);
        if (!File.Exists(path)) return Task.FromResult<DataStream>(null!);
        return Task.FromResult(new DataStream(new FileInfo(path).Length, async (target, ct) =>
        {
            await using var file = File.OpenRead(path);
            await file.CopyToAsync(target, ct);
        }));
    }
}

/// <summary>The file encryption of ScriptFile.EncryptionPassword (docs/spec/tentacle-services.md, 10.4).</summary>
static class Vault
{
    static readonly byte[] Mark = "IV__"u8.ToArray();

    static Aes Cipher(string password)
    {
        var aes = Aes.Create();
        aes.Key = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), "Octopuss"u8, 1000, HashAlgorithmName.SHA1, 16);
        return aes;
    }

    public static byte[] Encrypt(string text, string password)
    {
        using var aes = Cipher(password);
        aes.GenerateIV();
        return [.. Mark, .. aes.IV, .. aes.EncryptCbc(Encoding.UTF8.GetBytes(text), aes.IV)];
    }

    public static string? Decrypt(byte[] file, string password)
    {
        if (file.Length < 36 || !file.AsSpan(0, 4).SequenceEqual(Mark)) return null;
        using var aes = Cipher(password);
        return Encoding.UTF8.GetString(aes.DecryptCbc(file.AsSpan(20), file.AsSpan(4, 16)));
    }
}

static class WorkerCommand
{
    public static HalibutRuntime Make(LocalWorker worker, X509Certificate2 certificate, HalibutTimeoutsAndLimits limits, bool verbose)
    {
        var services = new DelegateServiceFactory();
        services.Register<ICapabilitiesServiceV2, IAsyncCapabilitiesServiceV2>(() => worker);
        services.Register<IKubernetesScriptServiceV1, IAsyncKubernetesScripts>(() => worker);
        services.Register<IFileTransferService, IAsyncFileTransferService>(() => worker);
        return new HalibutRuntimeBuilder()
            .WithServerCertificate(certificate)
            .WithServiceFactory(services)
            .WithLegacyContractSupport()
            .WithHalibutTimeoutsAndLimits(limits)
            .WithLogFactory(new StderrLog(verbose))
            .Build();
    }

    public static async Task<int> Run(Options o)
    {
        var certificate = Identity.LoadOrCreate(o.Get("cert", "worker.pfx"), "Octopus Tentacle");
        Out.Line(new { @event = "identity", thumbprint = certificate.Thumbprint });
        if (o.Has("identity-only")) return 0;
        var limits = Limits.Make(o);
        var worker = new LocalWorker(o.Get("work") ?? Path.Combine(Path.GetTempPath(), "octopus-peer-" + Guid.NewGuid().ToString("N")[..8]));
        await using var runtime = Make(worker, certificate, limits, o.Has("verbose"));
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) => { e.Cancel = true; stop.Cancel(); };
        using var term = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM,
            c => { c.Cancel = true; stop.Cancel(); });
        if (o.Get("listen") is { } place)
        {
            runtime.Trust(o.Need("server-thumbprint"));
            Out.Line(new { @event = "listening", port = runtime.Listen(System.Net.IPEndPoint.Parse(place)) });
            try { await Task.Delay(Timeout.Infinite, stop.Token); } catch (OperationCanceledException) { }
            return 0;
        }
        var server = new ServiceEndPoint(new Uri("https://" + o.Need("server") + "/"), o.Need("server-thumbprint"), limits);
        var connections = o.Int("connections", 1);
        for (var i = 0; i < connections; i++) runtime.Poll(new Uri(o.Need("subscription")), server, stop.Token);
        Out.Line(new { @event = "polling", server = o.Need("server"), subscription = o.Need("subscription"), connections });
        try { await Task.Delay(Timeout.Infinite, stop.Token); } catch (OperationCanceledException) { }
        return 0;
    }
}
