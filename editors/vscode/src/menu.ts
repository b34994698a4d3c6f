import * as vscode from "vscode";
import type { Paused, Status } from "./protocol";

interface Entry extends vscode.QuickPickItem {
  command?: string;
}

/** The status bar item's: what can be done now. paused: undefined where no server answers. */
export async function showMenu(
  status: Status | undefined,
  paused: Paused | undefined,
  installed: boolean,
): Promise<void> {
  const chosen = await vscode.window.showQuickPick(entries(paused, installed), {
    title: "rung",
    placeHolder: status?.reason || status?.project || "",
  });
  await vscode.commands.executeCommand("workbench.action.focusActiveEditorGroup"); // the click took it
  if (chosen?.command) {
    await vscode.commands.executeCommand(chosen.command);
  }
}

function entries(paused: Paused | undefined, installed: boolean): Entry[] {
  const server: Entry[] = [
    { label: "$(debug-restart) Restart the server", command: "rung.restart" },
    { label: "$(output) Log", command: "rung.logs" },
  ];
  if (!installed) {
    return [{ label: "$(cloud-download) Install the server", command: "rung.install" }, ...server];
  }
  if (paused === undefined) {
    return server;
  }
  return [
    pause(paused.here, "in this project", "rung.pauseHere"),
    pause(paused.everywhere, "everywhere", "rung.pauseEverywhere"),
    { label: "$(question) Explain the last completion", command: "rung.explainLast" },
    { label: "$(graph) Report", command: "rung.report" },
    { label: "", kind: vscode.QuickPickItemKind.Separator },
    { label: "$(shield) Trust this project's .rung.yaml", command: "rung.trust" },
    { label: "$(gear) Open configuration", command: "rung.openConfiguration" },
    ...server,
  ];
}

function pause(paused: boolean, where: string, command: string): Entry {
  return { label: paused ? `$(play) Resume ${where}` : `$(debug-pause) Pause ${where}`, command };
}
