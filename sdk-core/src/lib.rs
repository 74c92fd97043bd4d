//! Core.
pub mod limits;
pub mod protocol;
pub mod ratelimit {
    /*! x */
    pub enum DataCategory {}
}
