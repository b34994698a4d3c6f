import type * as vscode from "vscode";
import { abandonInstall } from "./install";
import { Session } from "./session";

let session: Session | undefined;

export function activate(context: vscode.ExtensionContext): void {
  session = new Session(context);
  void session.start();
}

export async function deactivate(): Promise<void> {
  abandonInstall();
  await session?.stop();
}
