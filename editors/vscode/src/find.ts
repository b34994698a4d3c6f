// Where the server's program is.
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { homedir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";

const WINDOWS = process.platform === "win32";
const NAME = WINDOWS ? "rung.exe" : "rung";

/** Of a virtual environment. */
export function programOf(environment: string): string {
  return path.join(environment, WINDOWS ? "Scripts" : "bin", NAME);
}

/**
 * The setting, the workspace's environment, PATH, and what this extension has installed, in this order. A setting that
 * names no program is not passed over: it throws.
 */
export async function findServer(installed: string | undefined): Promise<string | undefined> {
  const given = vscode.workspace.getConfiguration("rung").get("path", "").trim();
  if (given) {
    const absolute = given.replace(/^~(?=[/\\])/, homedir());
    const program = await firstOf(path.isAbsolute(absolute) ? [absolute] : onPath(given));
    if (program === undefined) {
      throw new Error(`rung.path is ${given}, where no program is.`);
    }
    return program;
  }
  // The environment of a workspace that is not trusted may hold anything.
  const environments = vscode.workspace.isTrusted ? ofWorkspace() : [];
  return firstOf([...environments.map(programOf), ...onPath(NAME), ...(installed ? [installed] : [])]);
}

function ofWorkspace(): string[] {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === "file");
  const inFolders = folders.flatMap((folder) => [".venv", "venv"].map((name) => path.join(folder.uri.fsPath, name)));
  return process.env.VIRTUAL_ENV ? [...inFolders, process.env.VIRTUAL_ENV] : inFolders;
}

function onPath(name: string): string[] {
  const folders = (process.env.PATH ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  const file = WINDOWS && path.extname(name) === "" ? `${name}.exe` : name;
  return folders.map((folder) => path.join(folder, file));
}

async function firstOf(programs: string[]): Promise<string | undefined> {
  for (const program of programs) {
    if (await runs(program)) {
      return program;
    }
  }
  return undefined;
}

async function runs(program: string): Promise<boolean> {
  try {
    await access(program, WINDOWS ? constants.F_OK : constants.X_OK);
    return (await stat(program)).isFile();
  } catch {
    return false; // not there, or not to be run
  }
}
