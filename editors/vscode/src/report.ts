import * as vscode from "vscode";
import { output } from "./program";

/** `rung report` as a web view. */
export class Report {
  private panel: vscode.WebviewPanel | undefined;

  async show(program: string): Promise<void> {
    const page = await output(program, "report", "--html");
    if (this.panel === undefined) {
      this.panel = vscode.window.createWebviewPanel("rung.report", "rung: report", vscode.ViewColumn.Active, {});
      this.panel.onDidDispose(() => {
        this.panel = undefined;
      });
    }
    this.panel.webview.html = page; // without scripts, which no option here allows
    this.panel.reveal();
  }
}
