import * as vscode from "vscode";

const SCHEME = "rung-explain";
const URI = vscode.Uri.parse(`${SCHEME}:/Why this completion.md`);

/** The explanation beside the code, as VS Code's own Markdown preview. */
export class Explanation implements vscode.TextDocumentContentProvider {
  private markdown = "";
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  register(): vscode.Disposable {
    return vscode.Disposable.from(vscode.workspace.registerTextDocumentContentProvider(SCHEME, this), this.changed);
  }

  provideTextDocumentContent(): string {
    return this.markdown;
  }

  async show(markdown: string): Promise<void> {
    this.markdown = markdown;
    this.changed.fire(URI);
    await vscode.commands.executeCommand("markdown.showPreviewToSide", URI);
  }
}
