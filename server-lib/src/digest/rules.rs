//! The frame rules of projects, made once for each state of the catalogue.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::CatalogCache;
use crate::facts::FrameRules;
use crate::model::ids::ProjectId;

/// Frame rules by project.
#[derive(Debug)]
pub(crate) struct RuleBook {
    catalog: Arc<CatalogCache>,
    version: u64,
    by_project: HashMap<ProjectId, FrameRules>,
    none: FrameRules,
}

impl RuleBook {
    pub(crate) fn new(catalog: Arc<CatalogCache>) -> Self {
        let version = catalog.view().version();
        Self {
            catalog,
            version,
            by_project: HashMap::new(),
            none: FrameRules::default(),
        }
    }

    /// Returns the rules of a project; none for one that is gone.
    pub(crate) fn of(&mut self, project: ProjectId) -> &FrameRules {
        let view = self.catalog.view();
        if view.version() != self.version {
            self.version = view.version();
            self.by_project.clear();
        }
        match view.project(project) {
            Some(found) => self
                .by_project
                .entry(project)
                .or_insert_with(|| FrameRules::from_settings(&found.settings)),
            None => &self.none,
        }
    }
}
