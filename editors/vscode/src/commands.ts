// What the palette and the menu run.
import * as vscode from "vscode";
import { showMenu } from "./menu";
import { EXPLAIN, PAUSE, type Paused, type ServerStatus, STATUS } from "./protocol";
import type { Session } from "./session";

const MENU_MS = 300;

/** By the names of package.json, without "rung." */
export function commandsOf(session: Session): Record<string, () => Promise<void> | void> {
  return {
    menu: () => menu(session),
    explainLast: async () => {
      const { markdown } = await session.running().execute<{ markdown: string }>(EXPLAIN);
      await session.explanation.show(markdown);
    },
    report: () => session.report.show(programOf(session)),
    pauseHere: () => pause(session, "here"),
    pauseEverywhere: () => pause(session, "everywhere"),
    trust: () => trust(session),
    openConfiguration: () => openConfiguration(session),
    logs: () => session.log.show(),
    restart: () => session.start(),
    install: () => session.install(),
    acceptWord: () => session.offers.acceptPart("editor.action.inlineSuggest.acceptNextWord"),
    acceptLine: () => session.offers.acceptPart("editor.action.inlineSuggest.acceptNextLine"),
    dismiss: () => session.offers.dismiss(),
  };
}

async function menu(session: Session): Promise<void> {
  // Restart and log are wanted most where the server does not answer.
  const late = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), MENU_MS));
  const asked = session.server?.running ? session.server.execute<ServerStatus>(STATUS, ...activeFile()) : undefined;
  const status = await Promise.race([asked?.catch(() => undefined), late]);
  await showMenu(session.statusBar.last, status?.paused, session.program !== undefined);
}

async function pause(session: Session, where: keyof Paused): Promise<void> {
  const server = session.running();
  const { paused } = await server.execute<ServerStatus>(STATUS, ...activeFile());
  await server.execute<Paused>(PAUSE, where, !paused[where], ...activeFile());
}

/** Its URI, if there is one: "here" is its project. */
function activeFile(): string[] {
  const editor = vscode.window.activeTextEditor;
  return editor ? [editor.document.uri.toString()] : [];
}

async function trust(session: Session): Promise<void> {
  const project = session.statusBar.last?.project ?? vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  if (project === undefined) {
    throw new Error("No project is open here.");
  }
  // In a terminal, because it shows what would count and asks; only what it has shown is trusted.
  const execution = new vscode.ProcessExecution(programOf(session), ["trust", project]);
  const task = new vscode.Task({ type: "process" }, vscode.TaskScope.Workspace, "trust", "rung", execution);
  task.presentationOptions = { focus: true, reveal: vscode.TaskRevealKind.Always };
  await vscode.tasks.executeTask(task);
}

async function openConfiguration(session: Session): Promise<void> {
  const { configuration } = await session.running().execute<ServerStatus>(STATUS);
  const file = vscode.Uri.file(configuration);
  const there = await vscode.workspace.fs.stat(file).then(
    () => true,
    () => false,
  );
  await vscode.window.showTextDocument(there ? file : file.with({ scheme: "untitled" }));
}

function programOf(session: Session): string {
  if (session.program === undefined) {
    throw new Error("rung is not installed here.");
  }
  return session.program;
}
