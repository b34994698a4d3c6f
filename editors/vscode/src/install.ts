// Installs the server that came with this extension into an environment of its own.
import { spawn } from "node:child_process";
import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import * as path from "node:path";
import * as vscode from "vscode";
import { programOf } from "./find";

const CHECKPOINT = "smollm2-135m";
const LONGEST_MS = 30 * 60_000;
const DONE = "installed-version";
const UNDER_WAY = "being-installed";

/** Where the extension's own server is, if it was installed to its end by this version of the extension. */
export async function installedProgram(context: vscode.ExtensionContext): Promise<string | undefined> {
  const version = await readFile(path.join(folderOf(context), DONE), "utf8").catch(() => undefined);
  return version === versionOf(context) ? programIn(folderOf(context)) : undefined;
}

/** Throws an Error with one sentence where it cannot be installed now. */
export async function refuseInstall(context: vscode.ExtensionContext): Promise<void> {
  if (process.platform === "win32") {
    throw new Error("On Windows rung is installed by hand (its README says how); then set rung.path.");
  }
  const mark = path.join(folderOf(context), UNDER_WAY);
  const installer = await readFile(mark, "utf8").catch(() => undefined);
  if (installer !== undefined && runs(Number(installer)) && Date.now() - (await stat(mark)).mtimeMs < LONGEST_MS) {
    throw new Error("Another window is installing rung.");
  }
}

/** Shows how far it is, and can be cancelled. Throws an Error with one sentence; the log has all that was printed. */
export async function install(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<void> {
  const options = { location: vscode.ProgressLocation.Notification, title: "Installing rung", cancellable: true };
  await vscode.window.withProgress(options, async (progress, token) => {
    const folder = folderOf(context);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, UNDER_WAY), String(process.pid));
    try {
      await cp(context.asAbsolutePath("server"), folder, { recursive: true });
      for (const { message, program, args } of stepsIn(folder)) {
        progress.report({ message });
        await run(program, args, folder, log, token);
      }
      await writeFile(path.join(folder, DONE), versionOf(context));
    } finally {
      await rm(path.join(folder, UNDER_WAY), { force: true });
    }
  });
}

function stepsIn(folder: string): { message: string; program: string; args: string[] }[] {
  const python = path.join(folder, ".venv", "bin", "python");
  return [
    { message: "an environment", program: "sh", args: ["scripts/make-venv.sh", ".venv"] },
    { message: "llama.cpp is built for this processor: minutes", program: python, args: ["scripts/install.py"] },
    { message: `the checkpoint ${CHECKPOINT}`, program: programIn(folder), args: ["models", "pull", CHECKPOINT] },
  ];
}

/** Ends what an install has started: the window closes. */
export function abandonInstall(): void {
  for (const pid of groups) {
    endGroup(pid);
  }
}

const groups = new Set<number>();

function runs(pid: number): boolean {
  try {
    return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0);
  } catch {
    return false; // it has ended: its window was closed
  }
}

function folderOf(context: vscode.ExtensionContext): string {
  return path.join(context.globalStorageUri.fsPath, "server");
}

function programIn(folder: string): string {
  return programOf(path.join(folder, ".venv"));
}

function versionOf(context: vscode.ExtensionContext): string {
  return String(context.extension.packageJSON.version);
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
    if (child.pid !== undefined) {
      groups.add(child.pid);
    }
    let last = "";
    const say = (text: Buffer) => {
      log.info(`${text}`.trimEnd());
      last = `${text}`.trim().split("\n").at(-1) || last;
    };
    child.stdout.on("data", say);
    child.stderr.on("data", say);
    const cancel = token.onCancellationRequested(() => endGroup(child.pid));
    child.on("error", (error) => reject(new Error(`${program} cannot be started: ${error.message}.`)));
    child.on("close", (status) => {
      groups.delete(child.pid ?? 0);
      cancel.dispose();
      if (token.isCancellationRequested) {
        reject(new Error("Installing rung was cancelled."));
      } else if (status !== 0) {
        reject(
          new Error(`rung could not be installed, its log says why: ${last || `${program} ended with ${status}`}`),
        );
      } else {
        resolve();
      }
    });
  });
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) {
      process.kill(-pid);
    }
  } catch {
    // It has just ended.
  }
}
