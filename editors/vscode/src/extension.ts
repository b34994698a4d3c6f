import type * as vscode from "vscode";
import { Rung } from "./rung";

let rung: Rung | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  rung = new Rung(context);
  await rung.start();
}

export async function deactivate(): Promise<void> {
  await rung?.stop();
}
