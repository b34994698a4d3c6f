// Installs the server that came with this extension into an environment of its own.
import { spawn } from "node:child_process";
import { cp, rm } from "node:fs/promises";
import * as path from "node:path";
import * as vscode from "vscode";
import { programOf } from "./find";

const CHECKPOINT = "smollm2-135m";

/** Where the extension's own server is, or would be. */
export function installedProgram(context: vscode.ExtensionContext): string {
  return programOf(path.join(folderOf(context), ".venv"));
}

/** Shows how far it is, and can be cancelled. Throws an Error with one sentence; the log has all that was printed. */
export async function install(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<void> {
  if (process.platform === "win32") {
    throw new Error("On Windows rung is installed by hand (its README says how); then set rung.path.");
  }
  const options = { location: vscode.ProgressLocation.Notification, title: "Installing rung", cancellable: true };
  await vscode.window.withProgress(options, async (progress, token) => {
    const folder = folderOf(context);
    const python = path.join(folder, ".venv", "bin", "python");
    const steps: [string, string, string[]][] = [
      ["an environment", "python3", ["-m", "venv", ".venv"]],
      ["llama.cpp is built for this processor: some minutes", python, [path.join("scripts", "install.py")]],
      [`the checkpoint ${CHECKPOINT}`, installedProgram(context), ["models", "pull", CHECKPOINT]],
    ];
    await rm(folder, { recursive: true, force: true });
    await cp(context.asAbsolutePath("server"), folder, { recursive: true });
    for (const [message, program, args] of steps) {
      progress.report({ message });
      await run(program, args, folder, log, token);
    }
  });
}

function folderOf(context: vscode.ExtensionContext): string {
  return path.join(context.globalStorageUri.fsPath, "server");
}

function run(
  program: string,
  args: string[],
  cwd: string,
  log: vscode.LogOutputChannel,
  token: vscode.CancellationToken,
): Promise<void> {
  log.info(`${program} ${args.join(" ")}`);
  return new Promise((resolve, reject) => {
    // A group of its own, because cancelling must end the compilers, too.
    const child = spawn(program, args, { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let last = "";
    const say = (text: Buffer) => {
      log.info(`${text}`.trimEnd());
      last = `${text}`.trim().split("\n").at(-1) || last;
    };
    child.stdout.on("data", say);
    child.stderr.on("data", say);
    const cancel = token.onCancellationRequested(() => child.pid && process.kill(-child.pid));
    child.on("error", (error) => reject(new Error(`${program} cannot be started: ${error.message}.`)));
    child.on("close", (status) => {
      cancel.dispose();
      if (token.isCancellationRequested) {
        reject(new Error("Installing rung was cancelled."));
      } else if (status !== 0) {
        reject(new Error(`rung could not be installed: ${last || `${program} ended with ${status}`}`));
      } else {
        resolve();
      }
    });
  });
}
