//! Links between documents.

use super::{Finding, Tree};

/// Every relative link in a Markdown file leads to a file or directory.
pub fn resolve(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension(".md") {
        let mut fenced = false;
        for (at, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            let targets = targets(line).filter(|_| !fenced);
            for target in targets.filter(|target| !leads(tree, path, target)) {
                findings.push(Finding::at(path, at, format!("the link to {target} leads nowhere")));
            }
        }
    }
    findings
}

fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

fn leads(tree: &Tree, from: &str, target: &str) -> bool {
    let path = target.split(['#', ' ']).next().unwrap_or_default();
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return true;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                if parts.pop().is_none() {
                    return false;
                }
            }
            part => parts.push(part),
        }
    }
    tree.contains(&parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_links_are_found() {
        let judge = |text| resolve(&Tree::of(&[("docs/a.md", text), ("docs/x/b.md", "")])).len();
        for good in [
            "[b](x/b.md)",
            "[b](x/b.md#part)",
            "[x](x)",
            "[a](../docs/a.md)",
            "[w](https://a.b)",
            "[s](#s)",
        ] {
            assert_eq!(judge(good), 0, "{good}");
        }
        for bad in ["[b](b.md)", "![c](x/c.svg)", "[d](../../d.md)", "[x](x) and [y](y)"] {
            assert_eq!(judge(bad), 1, "{bad}");
        }
        assert_eq!(judge("```\n[b](b.md)\n```"), 0);
    }
}
