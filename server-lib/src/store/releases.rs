//! Releases, deployments, and the health that sessions tell.

use async_trait::async_trait;

use super::health::{HealthFilter, HealthRow};
use super::query::{Page, ReleaseFilter};
use crate::error::Error;
use crate::model::ids::{DeploymentId, ProjectId};
use crate::model::release::{
    Commit, Deployment, NewDeployment, NewRelease, Release, ReleaseChange,
};

/// Releases. Events and sessions make them known, and so does the API.
#[async_trait]
pub trait Releases: Send + Sync + 'static {
    /// Returns the rows of a version in projects.
    async fn find(&self, projects: &[ProjectId], version: &str) -> Result<Vec<Release>, Error>;

    /// Returns releases, those that became known last first.
    async fn list(&self, filter: &ReleaseFilter, page: Page) -> Result<Vec<Release>, Error>;

    /// Makes a release known, or changes the one that is; true when it was not known.
    async fn put(&self, release: NewRelease) -> Result<(Release, bool), Error>;

    /// Changes a release. `NotFound` when there is none.
    async fn update(
        &self,
        project: ProjectId,
        version: &str,
        change: ReleaseChange,
    ) -> Result<Release, Error>;

    /// Deletes a release. `Conflict` when issues had their first or latest event in it, `NotFound`
    /// when there is none.
    async fn delete(&self, project: ProjectId, version: &str) -> Result<(), Error>;

    /// Returns the commits of a release, latest first.
    async fn commits(&self, project: ProjectId, version: &str) -> Result<Vec<Commit>, Error>;

    /// Notes a deployment.
    async fn deploy(&self, deployment: NewDeployment) -> Result<Deployment, Error>;

    /// Returns deployments, latest first; of one version, or of all.
    async fn deployments(
        &self,
        projects: &[ProjectId],
        version: Option<&str>,
        page: Page,
    ) -> Result<Vec<Deployment>, Error>;

    /// Finds a deployment.
    async fn deployment(&self, id: DeploymentId) -> Result<Option<Deployment>, Error>;

    /// Returns sums of sessions in groups, and in intervals. `Invalid` when that would be too much.
    async fn health(&self, filter: &HealthFilter) -> Result<Vec<HealthRow>, Error>;
}
